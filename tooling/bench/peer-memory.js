import { OURS } from './peer-names.js'
import { OPERATIONS, peerTransfer } from './peer-transfer.js'

/** Of the smaller size: the peaks vary by some MiB. */
const MAX_ROUNDS = 3

/**
 * @typedef {object} MemoryResults
 * @property {[number, number]} sizes - in bytes
 * @property {Record<string, [number[], number[]]>} peaks - by operation, for each of the sizes: the most resident memory
 *   that each process ever had, in MiB
 */

/**
 * Finds out how much memory our process needs, and whether that grows with the object: each operation with a small
 * size some times, and once with a large one.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {readonly import('./peer-sdks.js').Peer[]} peers
 * @param {{ rounds: number, sizes: [number, number] }} options - `sizes` in bytes. The larger needs that much disk
 * @returns {Promise<MemoryResults | undefined>} nothing if ours does not take part
 */
export async function measureMemory(lab, peers, { rounds, sizes: [small, large] }) {
  const ours = peers.find(({ name }) => name === OURS)
  if (ours === undefined) return undefined
  const peak = async (operation, sizeBytes, source) => {
    const outcome = await peerTransfer(lab, ours, operation, sizeBytes, { source })
    if (outcome.cannot !== undefined) throw new Error(`${operation} of ${sizeBytes} bytes: ${outcome.cannot}`)
    const { peakRssMiB, seconds } = outcome.sample
    console.error(
      `memory: ${operation} of ${sizeBytes} bytes: ${peakRssMiB.toFixed(0)} MiB, ${seconds.toFixed(1)} s`,
    )
    return peakRssMiB
  }
  await lab.workspace.needSpace(large)
  const source = await lab.workspace.sparseFile(large)
  const peaks = {}
  for (const operation of Object.keys(OPERATIONS)) {
    peaks[operation] = [[], []]
    for (let round = 0; round < Math.min(rounds, MAX_ROUNDS); round++) {
      peaks[operation][0].push(await peak(operation, small))
    }
    peaks[operation][1].push(await peak(operation, large, source))
  }
  return { sizes: [small, large], peaks }
}
