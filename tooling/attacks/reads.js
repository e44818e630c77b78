import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { downloadFile } from '@oss-cse/bucket/node'

/**
 * @typedef {object} Read - what one read of an object came to
 * @property {string} name
 * @property {number} start - the first byte that was wanted
 * @property {number} sizeBytes - how many bytes are wanted of the genuine object
 * @property {boolean} beyond - whether the range, as it was asked for, ends behind the genuine object in a way that is an error
 * @property {Uint8Array} released
 * @property {unknown} error - absent: the read ended well
 */

/** Every way to read an object. Each returns what was released, also before an error. */
export const READS = { whole, bytes, range, suffix, reader, file, verified }

/** @typedef {{ bucket: import('@oss-cse/bucket').CryptoBucket, key: string, sizeBytes: number, random: import('@oss-cse/survival').Random, options: object }} Asked */

/** @param {Asked} asked @returns {Promise<Read>} */
async function whole({ bucket, key, sizeBytes, options }) {
  return collected(
    { name: 'whole', start: 0, sizeBytes, beyond: false },
    async () => (await bucket.get(key, options)).body,
  )
}

async function bytes(asked) {
  const { range, ...wanted } = anyRange(asked)
  const { bucket, key, options } = asked
  return collected({ name: 'bytes', ...wanted }, async () => [
    await bucket.getBytes(key, { ...options, range }),
  ])
}

async function range(asked) {
  const { range, ...wanted } = anyRange(asked)
  const { bucket, key, options } = asked
  return collected(
    { name: 'range', ...wanted },
    async () => (await bucket.get(key, { ...options, range })).body,
  )
}

/** Until its end was verified, a suffix stands where its `contentRange` states: what is released must be what is there. */
async function suffix({ bucket, key, sizeBytes, random, options }) {
  const suffixLength = random.integer(1, 200_000)
  const start = Math.max(0, sizeBytes - suffixLength)
  const wanted = { name: 'suffix', start, sizeBytes: sizeBytes - start, beyond: sizeBytes === 0 }
  let stated = start
  const read = await collected(wanted, async () => {
    const { body, contentRange } = await bucket.get(key, { ...options, range: { suffixLength } })
    stated = Number(/^bytes (\d+)-/.exec(contentRange)[1])
    return body
  })
  return read.error === undefined ? read : { ...read, start: stated }
}

async function reader(asked) {
  const { range, ...wanted } = anyRange(asked)
  const { bucket, key, sizeBytes, random, options } = asked
  const firstRange = random.next() < 0.5 ? range : undefined
  return collected({ name: 'reader', ...wanted, beyond: range.end >= sizeBytes }, async function* () {
    const opened = await bucket.openObject(key, { ...options, firstRange })
    try {
      yield* opened.read(range)
    } finally {
      await opened.close()
    }
  })
}

/** Releases nothing: what it says of the length must be so. */
async function verified({ bucket, key, sizeBytes, options }) {
  return collected({ name: 'verified', start: 0, sizeBytes: 0, beyond: false }, async () => {
    const result = await bucket.verify(key, options)
    if (result.sizeBytes !== sizeBytes) throw new Error(`${result.sizeBytes} bytes were verified.`)
    return []
  })
}

async function file(asked) {
  return downloaded('file', asked, { partSizeBytes: 102_400, multipartThresholdBytes: 1 })
}

/** A file that worker threads download. */
export async function largeFile(asked) {
  return downloaded('large file', asked, { partSizeBytes: 1_048_576, multipartThresholdBytes: 1 })
}

/** A file is there, whole, or it is not there. */
async function downloaded(name, { bucket, key, sizeBytes, options }, parts) {
  const directory = await mkdtemp(join(tmpdir(), 'oss-cse-attacks-'))
  const path = join(directory, 'file')
  try {
    const wanted = { name, start: 0, sizeBytes, beyond: false }
    const read = await collected(wanted, async () => {
      await downloadFile(bucket, key, path, { ...options, ...parts })
      return [await readFile(path)]
    })
    return read.error !== undefined && existsSync(path) ? { ...read, released: await readFile(path) } : read
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Ranges inside the object, over its end and behind it. */
function anyRange({ sizeBytes, random }) {
  const start = random.integer(0, Math.floor(sizeBytes * 1.1))
  const end = start + random.integer(0, 200_000)
  const wanted = Math.max(0, Math.min(end + 1, sizeBytes) - start)
  return { range: { start, end }, start, sizeBytes: wanted, beyond: start >= sizeBytes }
}

async function collected(wanted, open) {
  const chunks = []
  let error
  try {
    for await (const chunk of await open()) chunks.push(Buffer.from(chunk))
  } catch (cause) {
    error = cause
  }
  return { ...wanted, released: Buffer.concat(chunks), error }
}
