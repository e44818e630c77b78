import { median } from './alternate.js'

/** How many times as fast as another SDK ours is to be. */
const TARGETS = [
  { operation: 'put', name: 'python-v1', atLeast: 2.5 },
  { operation: 'put', name: 'go-v2', atLeast: 1.5 },
  { operation: 'get', name: 'python-v1', atLeast: 2.5 },
  { operation: 'get', name: 'go-v2', atLeast: 1.5 },
]

export const OURS = 'oss-cse'

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
 * @property {number} [peakRssMiB]
 * @property {boolean} [verifies] - whether it noticed a wrong CRC-64
 * @property {number} [sinkBusy] - CPU seconds of the server for each second of the transfer
 * @property {number} [oursIsFaster] - its time divided by ours
 */

/**
 * @param {import('./peers.js').PeerResults} results
 * @param {string} operation
 * @returns {PeerRow[]}
 */
export function peerRows({ peers, sizeBytes, outcomes }, operation) {
  const { samples, cannot, verifies } = outcomes[operation]
  const medianOf = (name, value) => median(samples[name].map(value))
  const seconds = (sample) => sample.seconds
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
      cpuSeconds: medianOf(name, (sample) => sample.cpuSeconds),
      peakRssMiB: medianOf(name, (sample) => sample.peakRssMiB),
      verifies: verifies[name],
      sinkBusy: medianOf(name, (sample) => sample.sinkCpuSeconds / sample.seconds),
      ...(name !== OURS && samples[OURS] && { oursIsFaster: middle / medianOf(OURS, seconds) }),
    }
  })
}

/**
 * @param {import('./peers.js').PeerResults} results
 * @returns {{ operation: string, title: string, atLeast: number, reached: number, met: boolean }[]}
 */
export function peerTargets(results) {
  return TARGETS.flatMap(({ operation, name, atLeast }) => {
    if (!(operation in results.outcomes)) return []
    const row = peerRows(results, operation).find((each) => each.name === name)
    const reached = row?.oursIsFaster
    return reached === undefined
      ? []
      : [{ operation, title: row.title, atLeast, reached, met: reached >= atLeast }]
  })
}
