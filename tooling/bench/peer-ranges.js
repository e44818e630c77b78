import { alternate } from './alternate.js'
import { measure } from './measure.js'
import { OURS, PLAIN } from './peer-names.js'

const BITS = 2048
const TRANSFERS = { [OURS]: 'opened-ranges', [PLAIN]: 'plain-spread-ranges' }

/**
 * Reads short ranges all over a large object, one after the other: of an object that was opened once, and each with a
 * GET of plain ali-oss.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {{ rounds: number, count: number, objectBytes: number }} options - `count` of ranges in a round
 * @returns {Promise<Record<string, (import('./measure.js').Sample & { latencyMs: number })[]>>} by contender
 */
export async function measureRanges(lab, { rounds, count, objectBytes }) {
  const { sink, workspace } = lab
  const { privateKeyFile } = lab.masterKeys[BITS].forDrivers[0]
  const key = await lab.encryptedObject(objectBytes, BITS)
  const context = { sink, workspace, privateKeyPath: privateKeyFile, nodeArgs: [] }
  const contenders = Object.entries(TRANSFERS).map(([name, transfer]) => [
    name,
    () => measure(context, { transfer, key, count, objectBytes }),
  ])
  return alternate(rounds, Object.fromEntries(contenders), (round, name, { latencyMs, cpuSeconds }) =>
    console.error(`ranges ${round}: ${name}: ${latencyMs.toFixed(3)} ms, CPU ${cpuSeconds.toFixed(2)} s`),
  )
}
