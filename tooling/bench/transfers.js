import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { downloadFile, FileCheckpointStore, uploadFile } from '@oss-cse/bucket/node'
import { median } from './alternate.js'
import { decipherOf } from './sent-bytes.js'

/** ali-oss has one deadline for a whole transfer: out of the way. */
const TIMEOUT_MS = 3_600_000
const SMALL = new Uint8Array(1024).fill(7)

const RANGE_BYTES = 1024
const GOLDEN_RATIO = (1 + Math.sqrt(5)) / 2

export const PARALLEL = 4
const PART_BYTES = 10 * 2 ** 20

/**
 * What a child process can be told to do, the plain way (`plain-…`) and ours.
 *
 * @type {Record<string, (clients: {
 *   plain: import('ali-oss'), dropIn: import('@oss-cse/ali-oss').CryptoOSS,
 *   bucket: import('@oss-cse/bucket').CryptoBucket
 * }, job: import('./measure.js').Job) => Promise<object | void>>} figures of their own are resolved with
 */
export const transfers = {
  async 'plain-put'({ plain }, { key, path, sizeBytes, readBytes }) {
    const file = createReadStream(path, { ...(readBytes !== undefined && { highWaterMark: readBytes }) })
    await plain.putStream(key, file, { contentLength: sizeBytes, timeout: TIMEOUT_MS })
  },

  async put({ bucket }, { key, path }) {
    await uploadFile(bucket, key, path, { multipartThresholdBytes: Number.POSITIVE_INFINITY })
  },

  async 'resumable-upload'({ bucket }, { key, path, directory }) {
    const checkpointStore = new FileCheckpointStore({ directory })
    await uploadFile(bucket, key, path, { multipartThresholdBytes: 1, parallel: PARALLEL, checkpointStore })
  },

  async 'plain-get'({ plain }, { key, path, flush = false }) {
    const { stream } = await plain.getStream(key, { timeout: TIMEOUT_MS })
    await pipeline(stream, createWriteStream(path, { flush }))
  },

  async get({ bucket }, { key, path }) {
    await downloadFile(bucket, key, path, { multipartThresholdBytes: Number.POSITIVE_INFINITY })
  },

  async 'resumable-download'({ bucket }, { key, path, directory }) {
    const checkpointStore = new FileCheckpointStore({ directory })
    await downloadFile(bucket, key, path, {
      multipartThresholdBytes: 1 << 20,
      parallel: PARALLEL,
      checkpointStore,
    })
  },

  async 'upload-file'({ bucket }, { key, path }) {
    await uploadFile(bucket, key, path)
  },

  async 'download-file'({ bucket }, { key, path }) {
    await downloadFile(bucket, key, path)
  },

  'plain-put-file': ({ plain }, job) => putFile(plain, job),
  'drop-in-put-file': ({ dropIn }, job) => putFile(dropIn, job),

  'plain-get-file': ({ plain }, job) => getFile(plain, job),
  'drop-in-get-file': ({ dropIn }, job) => getFile(dropIn, job),

  'plain-multipart': ({ plain }, job) => multipart(plain, job),
  'drop-in-multipart': ({ dropIn }, job) => multipart(dropIn, job),

  'drop-in-small': ({ dropIn }, { count }) => putsAndGets(count, ...smallCalls(dropIn)),

  'plain-small': ({ plain }, { count }) => putsAndGets(count, ...smallCalls(plain)),

  'plain-range': ({ plain }, { key, count, start, end }) =>
    rangeRequests(count, end + 1 - start, async () => {
      const { content } = await plain.get(key, { headers: { Range: `bytes=${start}-${end}` } })
      return content
    }),

  range: ({ bucket }, { key, count, start, end }) =>
    rangeRequests(count, end + 1 - start, () => bucket.getBytes(key, { range: { start, end } })),

  async 'plain-spread-ranges'({ plain }, { key, count, objectBytes }) {
    const ranges = spreadRanges(count, objectBytes)
    return rangeRequests(count, RANGE_BYTES, async () => {
      const { start, end } = ranges.next().value
      return (await plain.get(key, { headers: { Range: `bytes=${start}-${end}` } })).content
    })
  },

  async 'opened-ranges'({ bucket, plain }, { key, count, objectBytes, privateKeyPath }) {
    const ranges = spreadRanges(count, objectBytes)
    const reader = await bucket.openObject(key)
    let range
    let bytes
    const figures = await rangeRequests(count, RANGE_BYTES, async () => {
      range = ranges.next().value
      bytes = Buffer.concat(await Array.fromAsync(reader.read(range)))
      return bytes
    })
    await reader.close()
    const headers = { Range: `bytes=${range.start}-${range.end}` }
    const { content, res } = await plain.get(key, { headers })
    const decipher = decipherOf(res.headers, readFileSync(privateKeyPath, 'utf8'), range.start)
    if (!decipher.update(content).equals(bytes)) throw new Error('Other bytes came than the object holds.')
    return figures
  },
}

/** As many short ranges, spread over the whole object and not in its order. */
function* spreadRanges(count, objectBytes) {
  for (let number = 1; number <= count; number++) {
    const start = Math.floor(((number * GOLDEN_RATIO) % 1) * (objectBytes - RANGE_BYTES))
    yield { start, end: start + RANGE_BYTES - 1 }
  }
}

/** What an app with ali-oss calls, and with the drop-in alike. */
async function putFile(client, { key, path }) {
  await client.put(key, path, { timeout: TIMEOUT_MS })
}

async function getFile(client, { key, path }) {
  await client.get(key, path, { timeout: TIMEOUT_MS })
}

async function multipart(client, { key, path }) {
  const options = { partSize: PART_BYTES, parallel: PARALLEL, timeout: TIMEOUT_MS }
  await client.multipartUpload(key, path, { ...options, progress: () => {} })
}

function smallCalls(client) {
  const bytes = Buffer.from(SMALL)
  return [(key) => client.put(key, bytes), async (key) => (await client.get(key)).content]
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
