import { median } from './alternate.js'
import { OURS } from './peer-names.js'

/**
 * @typedef {object} PeerRow - an SDK's medians in one operation
 * @property {string} name
 * @property {string} title
 * @property {string} [cannot] - why there is nothing else
 * @property {boolean} [fails] - it has the call, which does not work
 * @property {number} [seconds]
 * @property {[number, number]} [range] - the shortest and the longest of the rounds, in seconds
 * @property {number} [megabytesPerSecond]
 * @property {number} [cpuSeconds]
 * @property {number} [leastCpuSeconds]
 * @property {number} [peakRssMiB]
 * @property {import('./peer-trials.js').Checks} [checks]
 * @property {number} [sinkBusy] - CPU seconds of the server for each second of the transfer
 * @property {number} [oursIsFaster] - its time divided by ours
 * @property {number} [oursIsCheaper] - its CPU time divided by ours
 */

/**
 * @param {import('./peers.js').PeerResults} results
 * @param {string} operation
 * @returns {PeerRow[]}
 */
export function peerRows({ peers, sizeBytes, outcomes }, operation) {
  const { samples, cannot, checks } = outcomes[operation]
  const medianOf = (name, value) => median(samples[name].map(value))
  const seconds = (sample) => sample.seconds
  const cpuSeconds = (sample) => sample.cpuSeconds
  return peers.map(({ name, title }) => {
    if (samples[name] === undefined) return { name, title, ...cannot[name] }
    const all = samples[name].map(seconds)
    const middle = median(all)
    return {
      name,
      title,
      seconds: middle,
      range: [Math.min(...all), Math.max(...all)],
      megabytesPerSecond: sizeBytes / middle / 1e6,
      cpuSeconds: medianOf(name, cpuSeconds),
      leastCpuSeconds: Math.min(...samples[name].map(cpuSeconds)),
      peakRssMiB: medianOf(name, (sample) => sample.peakRssMiB),
      checks: checks[name],
      sinkBusy: medianOf(name, (sample) => sample.sinkCpuSeconds / sample.seconds),
      ...(name !== OURS &&
        samples[OURS] && {
          oursIsFaster: middle / medianOf(OURS, seconds),
          oursIsCheaper: medianOf(name, cpuSeconds) / medianOf(OURS, cpuSeconds),
        }),
    }
  })
}
