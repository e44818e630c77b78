import { median } from './alternate.js'
import { BASELINE, CACHED, OURS, PLAIN } from './peer-names.js'
import { smallName } from './peer-small.js'

/**
 * @typedef {object} Figure - what one target is about
 * @property {number} value - what is held against the limit
 * @property {string} [aside] - other figures of the same runs, which decide nothing
 */

/**
 * @typedef {object} TargetRow
 * @property {string} what
 * @property {string} target
 * @property {string} reached - or why there is nothing
 * @property {string} [aside]
 * @property {boolean} [met] - absent if it was not measured
 * @property {number} [missedBy] - the share of the target that is missing, or that there is too much
 */

const times = (value) => `${value.toFixed(2)} x`
const seconds = (value) => `${value.toFixed(3)} s`

const medianOf = (samples, value) => median(samples.map(value))

/** Samples of two contenders in one operation; nothing if one of them has none. */
function pair(results, operation, name) {
  const samples = results.outcomes[operation]?.samples
  return samples?.[OURS] && samples[name] ? { ours: samples[OURS], other: samples[name] } : undefined
}

/** CPU seconds of ours for each of the baseline's. */
const cpuOfBaseline = (operation) => (results) => {
  const found = pair(results, operation, BASELINE)
  if (found === undefined) return undefined
  const [ours, other] = [found.ours, found.other].map((list) => list.map((each) => each.cpuSeconds))
  const least = times(Math.min(...ours) / Math.min(...other))
  return {
    value: median(ours) / median(other),
    aside: `${median(ours).toFixed(2)} s; baseline ${median(other).toFixed(2)} s; the least of both ${least}`,
  }
}

/** How many times as fast as another SDK ours is, by the clock. */
const speedBeside = (operation, name) => (results) => {
  const found = pair(results, operation, name)
  if (found === undefined) return undefined
  const ratio = (value) => medianOf(found.other, value) / medianOf(found.ours, value)
  return {
    value: ratio((each) => each.seconds),
    aside: `by CPU ${times(ratio((each) => each.cpuSeconds))}`,
  }
}

/** How many times as cheap as another SDK's a call of ours is: by the clock or by CPU, whichever is less. */
const smallBeside =
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

const crcBeside = (row) => (results) => {
  const samples = results.crc64?.[row]
  if (samples === undefined) return undefined
  const [ours, other] = ['ours', 'hash-wasm'].map((who) =>
    medianOf(samples[who], (each) => each.megabytesPerSecond),
  )
  return { value: ours / other, aside: `${ours.toFixed(0)} MB/s; hash-wasm ${other.toFixed(0)} MB/s` }
}

const cliCpu = (command) => (results) => {
  const samples = results.cli?.[command]?.[OURS]
  if (samples === undefined) return undefined
  return {
    value: medianOf(samples, (each) => each.cpuSeconds),
    aside: `wall ${seconds(medianOf(samples, (each) => each.wallSeconds))}`,
  }
}

/** @type {readonly { what: string, atLeast?: number, atMost?: number, unit: (value: number) => string,
 *   of: string, figure: (results: import('./peers.js').PeerResults) => Figure | { missing: string } | undefined }[]} */
const TARGETS = [
  { what: 'put, CPU', of: 'the baseline', atMost: 0.65, figure: cpuOfBaseline('put') },
  { what: 'get, CPU', of: 'the baseline', atMost: 0.65, figure: cpuOfBaseline('get') },
  { what: 'put', of: 'the speed of Go V2', atLeast: 1.2, figure: speedBeside('put', 'go-v2') },
  { what: 'put', of: 'the speed of oss2', atLeast: 2, figure: speedBeside('put', 'python-v1') },
  { what: 'put', of: 'the speed of plain ali-oss', atLeast: 1, figure: speedBeside('put', PLAIN) },
  {
    what: 'upload in parts without SHA-NI, CPU',
    of: 'the baseline',
    atMost: 0.5,
    figure: cpuOfBaseline('upload-without-sha-ni'),
  },
  {
    what: 'CRC-64, chunks of 256 KiB',
    of: 'the speed of hash-wasm',
    atLeast: 3,
    figure: crcBeside('chunks of 256 KiB'),
  },
  {
    what: 'CRC-64, chunks of 1 KiB',
    of: 'the speed of hash-wasm',
    atLeast: 1,
    figure: crcBeside('chunks of 1 KiB'),
  },
  {
    what: '1 KiB put, RSA-2048',
    of: 'the speed of plain ali-oss',
    atLeast: 1,
    figure: smallBeside('put', 2048, PLAIN),
  },
  {
    what: '1 KiB get, RSA-2048',
    of: 'the speed of plain ali-oss',
    atLeast: 0.23,
    figure: smallBeside('get', 2048, PLAIN),
  },
  {
    what: '1 KiB get, the unwrapped key cached',
    of: 'the speed of plain ali-oss',
    atLeast: 1.2,
    figure: smallBeside('get', 2048, PLAIN, { ours: CACHED }),
  },
  ...[2048, 3072].map((bits) => ({
    what: `1 KiB get, RSA-${bits}`,
    of: 'the speed of Go V2',
    atLeast: 2,
    figure: smallBeside('get', bits, 'go-v2'),
  })),
  { what: '`oss-cse put` of 1 KiB, CPU', atMost: 0.22, figure: cliCpu('put of 1 KiB') },
  { what: '`oss-cse get` of 1 KiB, CPU', atMost: 0.2, figure: cliCpu('get of 1 KiB') },
]

/**
 * Holds what was measured against the targets.
 *
 * @param {import('./peers.js').PeerResults} results
 * @returns {TargetRow[]} all of them, also those that were not measured
 */
export function targetRows(results) {
  return TARGETS.map(({ what, of, atLeast, atMost, figure }) => {
    const format = of === undefined ? seconds : times
    const limit = atLeast ?? atMost
    const target = `at ${atLeast === undefined ? 'most' : 'least'} ${format(limit)}${of === undefined ? '' : ` ${of}`}`
    const found = figure(results)
    if (found?.value === undefined) {
      return { what, target, reached: `not measured${found === undefined ? '' : `: ${found.missing}`}` }
    }
    const { value, aside } = found
    const missedBy = atLeast === undefined ? value / limit - 1 : 1 - value / limit
    const met = missedBy <= 0
    return { what, target, reached: format(value), aside, met, ...(!met && { missedBy }) }
  })
}
