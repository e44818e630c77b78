import { readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { digestOfFile } from './file-digest.js'
import { observed, withPeer } from './peer-session.js'

export const PART_BYTES = 8 * 2 ** 20
export const PARALLEL = 3
const BITS = 2048

/** Drivers' operations that are measured, and whether they write a file. */
export const OPERATIONS = { put: false, get: true, upload: false, download: true }

/** Other bytes came than had to. */
export class WrongBytes extends Error {}

/**
 * Lets an SDK transfer a file in a fresh process. A file that it wrote must hold the object's bytes, which is looked at
 * once the clock has stopped.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {import('./peer-sdks.js').Peer} peer
 * @param {keyof typeof OPERATIONS} operation
 * @param {number} sizeBytes
 * @param {{
 *   pretence?: { crc64?: string, replaced?: boolean, cut?: boolean }, checked?: boolean, source?: string
 * }} [options] - `pretence` of the server; `checked` has the bytes of an upload kept, and compared with the file: its
 *   sample is none for a report; `source` is the file to upload, in place of one of random bytes
 * @returns {Promise<{
 *   sample: import('./peer-session.js').PeerSample, objectsSent: number, flushed?: boolean
 * } | import('./peer-session.js').Refusal>} `objectsSent`: in how many requests the object was read; `flushed`: whether
 *   the file that it wrote was on the disk
 * @throws WrongBytes
 */
export async function peerTransfer(lab, peer, operation, sizeBytes, options = {}) {
  const { pretence, checked = false } = options
  const { sink, workspace } = lab
  const { privateKey, forDrivers } = lab.masterKeys[BITS]
  const key = peer.encrypts ? privateKey : undefined
  const writesFile = OPERATIONS[operation]
  const checkpoints = workspace.path('checkpoints')
  await mkdir(checkpoints)
  const target = workspace.path('downloaded')
  const source = options.source ?? (await workspace.sourceFile(sizeBytes))
  const object = writesFile ? await lab.encryptedObject(sizeBytes, BITS) : 'uploaded'
  const request = {
    op: operation,
    masterKeys: forDrivers,
    object,
    file: writesFile ? target : source,
    partSize: PART_BYTES,
    parallel: PARALLEL,
    checkpoints,
  }
  const wrong = (how) => new WrongBytes(`${operation} by ${peer.title}: ${how}`)
  try {
    return await withPeer(lab, peer, forDrivers, async (driver) => {
      await sink.pretend(pretence)
      await sink.keep(checked)
      const outcome = await observed(sink, driver, request)
      if (outcome.cannot !== undefined) return outcome
      const { sample, objectsSent, bytesReceived } = outcome
      if (!writesFile) {
        // A little more than the file goes up with an upload in parts: the list of them.
        if (bytesReceived < sizeBytes) throw wrong(`only ${bytesReceived} bytes came.`)
        const problem = checked && (await sink.check({ key: object, sourcePath: source, privateKey: key }))
        if (problem) throw wrong(problem)
        return { sample, objectsSent }
      }
      const expected = await lab.expectedDigest(object, key)
      if ((await digestOfFile(target)) !== expected)
        throw wrong('the file does not hold what the object does.')
      return { sample, objectsSent, flushed: (await removeUnwritten(target)) < sizeBytes / 2 }
    })
  } finally {
    await sink.pretend()
    await sink.keep(false)
    await Promise.all(['downloaded', 'checkpoints'].map((name) => workspace.remove(name)))
  }
}

/** Removes a file; the number of its bytes that the kernel then need not write to the disk any more. */
async function removeUnwritten(path) {
  const cancelled = () =>
    Number(/^cancelled_write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))[1])
  const before = cancelled()
  await rm(path)
  return cancelled() - before
}
