import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { Driver } from '@oss-cse/interop/driver.js'
import { processUsage } from './process-usage.js'

export const PART_BYTES = 8 * 2 ** 20
export const PARALLEL = 3

/** Drivers' operations that are measured, and whether they write a file. */
export const OPERATIONS = { put: false, get: true, upload: false, download: true }

/**
 * @typedef {object} PeerSample - what one transfer took, all of it seen from outside
 * @property {number} seconds - by the clock, from the request to the driver's answer
 * @property {number} cpuSeconds - user and system, all threads of the driver, meanwhile
 * @property {number} peakRssMiB - the most resident memory that the driver ever had
 * @property {number} sinkCpuSeconds - what the server needed meanwhile
 */

/**
 * Lets an SDK transfer a file in a fresh process, after one byte each way.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {import('./peers.js').Peer} peer
 * @param {keyof typeof OPERATIONS} operation
 * @param {number} sizeBytes
 * @param {{ digest?: boolean, falseCrc64?: string }} [options] - `digest` has the file that it wrote read again;
 *   `falseCrc64` is what the server is to say in place of the true one
 * @returns {Promise<{ sample: PeerSample, digest?: string } | { cannot: string, fails: boolean }>}
 */
export async function peerTransfer(lab, peer, operation, sizeBytes, options = {}) {
  const { digest = false, falseCrc64 } = options
  const { sink, workspace, masterKeys } = lab
  const writesFile = OPERATIONS[operation]
  const checkpoints = workspace.path('checkpoints')
  await mkdir(checkpoints)
  const target = workspace.path('downloaded')
  const request = {
    op: operation,
    masterKeys,
    object: writesFile ? await lab.encryptedObject(sizeBytes) : 'uploaded',
    file: writesFile ? target : await workspace.sourceFile(sizeBytes),
    partSize: PART_BYTES,
    parallel: PARALLEL,
    checkpoints,
  }
  const driver = new Driver(peer.title, peer.command)
  try {
    await driver.open(lab.settings)
    await warmUp(lab, driver)
    await sink.lie(falseCrc64)
    const outcome = await measured(lab, driver, request)
    if (outcome.sample === undefined) return outcome
    const came = writesFile ? (await stat(target)).size : outcome.bytesReceived
    // A little more than the file goes up with an upload in parts: the list of them.
    if (writesFile ? came !== sizeBytes : came < sizeBytes) {
      throw new Error(`${operation} by ${peer.title}: ${came} bytes came, not ${sizeBytes}.`)
    }
    return writesFile && digest ? { ...outcome, digest: await digestOf(target) } : outcome
  } finally {
    await sink.lie()
    await driver.close()
    await Promise.all(['downloaded', 'checkpoints'].map((name) => workspace.remove(name)))
  }
}

/** Has everything loaded, built and connected that a transfer needs. */
async function warmUp({ workspace, masterKeys }, driver) {
  const object = 'warm-up'
  for (const [op, file] of [
    ['put', await workspace.sourceFile(1)],
    ['get', workspace.path('downloaded')],
  ]) {
    const answer = await driver.ask({ op, masterKeys, object, file })
    if (answer.ok === undefined) throw new Error(`${driver.name} cannot ${op} a byte: ${reasonOf(answer)}`)
  }
  await workspace.remove('downloaded')
}

async function measured({ sink }, driver, request) {
  const sinkBefore = await sink.usage()
  const before = processUsage(driver.pid)
  const began = performance.now()
  const answer = await driver.ask(request)
  const seconds = (performance.now() - began) / 1000
  if (answer.ok === undefined) return { cannot: reasonOf(answer), fails: answer.absent === undefined }
  const after = processUsage(driver.pid)
  const sinkAfter = await sink.usage()
  return {
    sample: {
      seconds,
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      peakRssMiB: after.peakRssMiB,
      sinkCpuSeconds: sinkAfter.cpuSeconds - sinkBefore.cpuSeconds,
    },
    bytesReceived: sinkAfter.bytesReceived - sinkBefore.bytesReceived,
  }
}

/** The SDK's own words, the first line of them. */
function reasonOf({ absent, error }) {
  return absent ?? `\`${error.type}: ${error.message.split('\n', 1)[0].trim()}\``
}

async function digestOf(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
