import { Driver } from '@oss-cse/interop/driver.js'
import { processUsage } from './process-usage.js'

/** For 5 GiB, on a slow disk. */
const TIMEOUT_MS = 900_000

/**
 * @typedef {object} PeerSample - what a request to a driver took, all of it seen from outside
 * @property {number} seconds - by the clock, from the request to the driver's answer
 * @property {number} cpuSeconds - user and system, all threads of the driver, meanwhile
 * @property {number} peakRssMiB - the most resident memory that the driver ever had
 * @property {number} sinkCpuSeconds - what the server needed meanwhile
 */

/** @typedef {{ cannot: string, fails: boolean }} Refusal - `fails`: the SDK has the call, which does not work */

/**
 * Uses an SDK in a fresh process, after one byte each way.
 *
 * @template Result
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {import('./peer-sdks.js').Peer} peer
 * @param {readonly object[]} masterKeys - as drivers take them
 * @param {(driver: Driver) => Promise<Result>} work
 * @returns {Promise<Result | Refusal>} a refusal if it cannot do so much as a byte
 */
export async function withPeer(lab, peer, masterKeys, work) {
  const driver = new Driver(peer.title, peer.command, { timeoutMs: TIMEOUT_MS })
  try {
    await driver.open(lab.settings)
    return (await warmUp(lab, driver, masterKeys)) ?? (await work(driver))
  } finally {
    await driver.close()
  }
}

/** Has everything loaded, built and connected that a transfer needs. */
async function warmUp({ workspace }, driver, masterKeys) {
  const object = 'warm-up'
  for (const [op, file] of [
    ['put', await workspace.sourceFile(1)],
    ['get', workspace.path('downloaded')],
  ]) {
    const answer = await driver.ask({ op, masterKeys, object, file })
    if (answer.ok === undefined) return refusalOf(answer)
  }
  await workspace.remove('downloaded')
}

/**
 * Asks a driver for one thing, and observes what that takes.
 *
 * @param {import('./sink.js').Sink} sink
 * @param {Driver} driver
 * @param {{ op: string, [name: string]: unknown }} request
 * @returns {Promise<{ sample: PeerSample, objectsSent: number, bytesReceived: number } | Refusal>} the counts are the
 *   server's
 */
export async function observed(sink, driver, request) {
  const sinkBefore = await sink.usage()
  const before = processUsage(driver.pid)
  const began = performance.now()
  const answer = await driver.ask(request)
  const seconds = (performance.now() - began) / 1000
  if (answer.ok === undefined) return refusalOf(answer)
  const after = processUsage(driver.pid)
  const sinkAfter = await sink.usage()
  return {
    sample: {
      seconds,
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      peakRssMiB: after.peakRssMiB,
      sinkCpuSeconds: sinkAfter.cpuSeconds - sinkBefore.cpuSeconds,
    },
    objectsSent: sinkAfter.objectsSent - sinkBefore.objectsSent,
    bytesReceived: sinkAfter.bytesReceived - sinkBefore.bytesReceived,
  }
}

/** The SDK's own words, the first line of them. */
function refusalOf({ absent, error }) {
  const cannot = absent ?? `\`${error.type}: ${error.message.split('\n', 1)[0].trim()}\``
  return { cannot, fails: absent === undefined }
}
