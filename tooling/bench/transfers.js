import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { downloadFile, FileCheckpointStore, uploadFile } from '@oss-cse/bucket/node'
import { median } from './alternate.js'

/** ali-oss has one deadline for a whole transfer: out of the way. */
const TIMEOUT_MS = 3_600_000
const SMALL = new Uint8Array(1024).fill(7)

export const PARALLEL = 4

/**
 * What a child process can be told to do, the plain way (`plain-…`) and ours.
 *
 * @type {Record<string, (clients: {
 *   plain: import('ali-oss'), bucket: import('@oss-cse/bucket').CryptoBucket
 * }, job: import('./measure.js').Job) => Promise<object | void>>} figures of their own are resolved with
 */
export const transfers = {
  async 'plain-put'({ plain }, { key, path, sizeBytes, readBytes }) {
    const file = createReadStream(path, { ...(readBytes !== undefined && { highWaterMark: readBytes }) })
    await plain.putStream(key, file, { contentLength: sizeBytes, timeout: TIMEOUT_MS })
  },

  async put({ bucket }, { key, path }) {
    await uploadFile(bucket, key, path, { multipartThreshold: Number.POSITIVE_INFINITY })
  },

  async 'resumable-upload'({ bucket }, { key, path, directory }) {
    const checkpoint = new FileCheckpointStore({ directory })
    await uploadFile(bucket, key, path, { multipartThreshold: 1, parallel: PARALLEL, checkpoint })
  },

  async 'plain-get'({ plain }, { key, path, flush = false }) {
    const { stream } = await plain.getStream(key, { timeout: TIMEOUT_MS })
    await pipeline(stream, createWriteStream(path, { flush }))
  },

  async get({ bucket }, { key, path }) {
    await downloadFile(bucket, key, path, { multigetThreshold: Number.POSITIVE_INFINITY })
  },

  async 'resumable-download'({ bucket }, { key, path, directory }) {
    const checkpoint = new FileCheckpointStore({ directory })
    await downloadFile(bucket, key, path, { multigetThreshold: 1 << 20, parallel: PARALLEL, checkpoint })
  },

  'plain-small': ({ plain }, { count }) => {
    const bytes = Buffer.from(SMALL)
    return putsAndGets(
      count,
      (key) => plain.put(key, bytes),
      async (key) => (await plain.get(key)).content,
    )
  },

  small: ({ bucket }, { count }) =>
    putsAndGets(
      count,
      (key) => bucket.put(key, SMALL),
      (key) => bucket.getBytes(key),
    ),

  'plain-range': ({ plain }, { key, count, start, end }) =>
    rangeRequests(count, end + 1 - start, async () => {
      const { content } = await plain.get(key, { headers: { Range: `bytes=${start}-${end}` } })
      return content
    }),

  range: ({ bucket }, { key, count, start, end }) =>
    rangeRequests(count, end + 1 - start, () => bucket.getBytes(key, { range: { start, end } })),
}

async function putsAndGets(count, put, get) {
  const keys = Array.from({ length: count }, (_, index) => `small-${index}`)
  const began = performance.now()
  for (const key of keys) await put(key)
  const between = performance.now()
  for (const key of keys) expectBytes(await get(key), SMALL.length)
  const perSecond = (milliseconds) => (count * 1000) / milliseconds
  return { putsPerSecond: perSecond(between - began), getsPerSecond: perSecond(performance.now() - between) }
}

async function rangeRequests(count, sizeBytes, request) {
  const latencies = []
  for (let done = 0; done < count; done++) {
    const began = performance.now()
    expectBytes(await request(), sizeBytes)
    latencies.push(performance.now() - began)
  }
  return { latencyMs: median(latencies) }
}

function expectBytes(bytes, sizeBytes) {
  if (bytes.length !== sizeBytes) throw new Error(`${bytes.length} bytes came, not ${sizeBytes}.`)
}
