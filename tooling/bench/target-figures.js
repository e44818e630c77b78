import { median } from './alternate.js'
import { sizeName } from './contenders.js'
import { IDLE } from './peer-event-loop.js'
import { DROP_IN, OURS, PLAIN } from './peer-names.js'
import { FORMATS } from './peer-sealed.js'
import { smallName } from './peer-small.js'

/**
 * @typedef {object} Figure - what one target is about
 * @property {number} value - what is held against the limit
 * @property {string} [aside] - other figures of the same runs, which decide nothing
 */

/**
 * @typedef {(results: import('./peers.js').PeerResults) => Figure | { missing: string } | undefined} Finding - nothing of
 *   what was not measured
 */

export const times = (value) => `${value.toFixed(2)} x`
export const seconds = (value) => `${value.toFixed(3)} s`
export const milliseconds = (value) => `${value.toFixed(1)} ms`
export const mebibytes = (value) => `${value.toFixed(0)} MiB`

const medianOf = (samples, value) => median(samples.map(value))

/** Samples of two contenders in one operation; nothing if one of them has none. */
function pair(results, operation, name, ours = OURS) {
  const samples = results.outcomes[operation]?.samples
  return samples?.[ours] && samples[name] ? { ours: samples[ours], other: samples[name] } : undefined
}

/** CPU seconds of ours for each of another's. */
export const cpuBeside = (operation, name, title) => (results) => {
  const found = pair(results, operation, name)
  if (found === undefined) return undefined
  const [ours, other] = [found.ours, found.other].map((list) => list.map((each) => each.cpuSeconds))
  const least = times(Math.min(...ours) / Math.min(...other))
  return {
    value: median(ours) / median(other),
    aside: `${median(ours).toFixed(2)} s; ${title} ${median(other).toFixed(2)} s; the least of both ${least}`,
  }
}

/** How many times as fast as another SDK ours is, by the clock. */
export const speedBeside =
  (operation, name, { ours } = {}) =>
  (results) => {
    const found = pair(results, operation, name, ours)
    if (found === undefined) return undefined
    const ratio = (value) => medianOf(found.other, value) / medianOf(found.ours, value)
    return {
      value: ratio((each) => each.seconds),
      aside: `by CPU ${times(ratio((each) => each.cpuSeconds))}`,
    }
  }

/** How many times as cheap as another SDK's a call of ours is: by the clock or by CPU, whichever is less. */
export const smallBeside =
  (call, bits, name, { ours = OURS } = {}) =>
  (results) => {
    const { samples, cannot } = results.small?.[bits] ?? {}
    if (cannot?.[ours] !== undefined) return { missing: cannot[ours] }
    if (!samples?.[ours] || !samples[name]) return undefined
    const ratios = (parallel) =>
      ['wallMs', 'cpuMs'].map((what) => {
        const value = (sample) => sample[smallName(call, parallel)][what]
        return medianOf(samples[name], value) / medianOf(samples[ours], value)
      })
    const [wall, cpu] = ratios(1)
    const [wall16, cpu16] = ratios(16)
    return {
      value: Math.min(wall, cpu),
      aside: `wall ${times(wall)}, CPU ${times(cpu)}; 16 at a time ${times(wall16)}, ${times(cpu16)}`,
    }
  }

export const crcBeside = (row) => (results) => {
  const samples = results.crc64?.[row]
  if (samples === undefined) return undefined
  const [ours, other] = ['ours', 'hash-wasm'].map((who) =>
    medianOf(samples[who], (each) => each.megabytesPerSecond),
  )
  return { value: ours / other, aside: `${ours.toFixed(0)} MB/s; hash-wasm ${other.toFixed(0)} MB/s` }
}

export const cliCpu = (command) => (results) => {
  const samples = results.cli?.[command]?.[OURS]
  if (samples === undefined) return undefined
  return {
    value: medianOf(samples, (each) => each.cpuSeconds),
    aside: `wall ${seconds(medianOf(samples, (each) => each.wallSeconds))}`,
  }
}

/** How many times as fast as the whole process of another SDK the whole command is. */
export const cliBeside = (operation, name) => (results) => {
  const samples = results.cliFiles?.[operation]
  if (!samples?.[OURS] || !samples[name]) return undefined
  const [ours, other] = [OURS, name].map((who) => medianOf(samples[who], (each) => each.wallSeconds))
  const cpu = [OURS, name].map((who) => medianOf(samples[who], (each) => each.cpuSeconds))
  return { value: other / ours, aside: `${ours.toFixed(2)} s; by CPU ${times(cpu[1] / cpu[0])}` }
}

/** The median peaks of an operation, for the small size and the large one. */
const peaksOf = ({ memory }, operation) => memory?.peaks[operation]?.map((list) => median(list))

export const peakRss = (operation) => (results) => {
  const peaks = peaksOf(results, operation)
  if (peaks === undefined) return undefined
  const shown = peaks.map((peak, index) => `${sizeName(results.memory.sizes[index])}: ${mebibytes(peak)}`)
  return { value: Math.max(...peaks), aside: shown.join('; ') }
}

export const rssGrowth = (operation) => (results) => {
  const peaks = peaksOf(results, operation)
  return peaks && { value: peaks[1] - peaks[0] }
}

export function eventLoopLag({ eventLoop }) {
  if (eventLoop?.[OURS] === undefined) return undefined
  const middle = (name, value) => milliseconds(medianOf(eventLoop[name], value))
  const lags = [DROP_IN, PLAIN, IDLE]
    .filter((name) => eventLoop[name] !== undefined)
    .map((name) => `${name} ${middle(name, (each) => each.lagP99Ms)}`)
  return {
    value: medianOf(eventLoop[OURS], (each) => each.lagP99Ms),
    aside: `requests ${middle(OURS, (each) => each.latencyP99Ms)}; ${lags.join('; ')}`,
  }
}

/** How fast sealed objects are beside those of the official format. */
export const sealedBeside = (kind, name) => (results) => {
  const samples = results.sealed?.[kind][name]
  if (samples === undefined) return undefined
  const [official, sealed] = FORMATS.map((format) => samples[format])
  const ratio = (value) => medianOf(official, value) / medianOf(sealed, value)
  const [wall, cpu] =
    kind === 'small'
      ? [(each) => each.wallMs, (each) => each.cpuMs]
      : [(each) => each.seconds, (each) => each.cpuSeconds]
  return { value: ratio(wall), aside: `by CPU ${times(ratio(cpu))}` }
}

/** By how much more memory a sealed transfer takes. */
export const sealedMemory = (operation) => (results) => {
  const samples = results.sealed?.transfers[operation]
  if (samples === undefined) return undefined
  const [official, sealed] = FORMATS.map((format) => medianOf(samples[format], (each) => each.peakRssMiB))
  return { value: sealed - official, aside: mebibytes(sealed) }
}

export function rangeLatency({ ranges }) {
  if (ranges === undefined) return undefined
  const [ours, plain] = [OURS, PLAIN].map((name) => medianOf(ranges[name], (each) => each.latencyMs))
  const cpu = [OURS, PLAIN].map((name) => medianOf(ranges[name], (each) => each.cpuSeconds))
  return { value: ours / plain, aside: `${ours.toFixed(3)} ms; by CPU ${times(cpu[0] / cpu[1])}` }
}
