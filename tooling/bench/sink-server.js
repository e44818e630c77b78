// The other end of every transfer, in a process of its own: as much of OSS over HTTP as ali-oss 6.23 and OssTransport
// need, and as little work as can be. Uploads are drained and forgotten, but for small ones and for those that are to
// be checked; downloads are one block of memory, again and again. No signature is checked.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { decipherOf, wrongBytes } from './sent-bytes.js'
import { syntheticBytes, syntheticCrc64 } from './synthetic-object.js'

/** Uploads up to this size are kept, and can be read again. */
const KEPT_BYTES = 64 * 1024
/** How much of a kept object is written at a time. */
const SLICE_BYTES = 1024 * 1024
/** Of an object that another one has taken the place of. */
const REPLACED = '"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"'
const MODIFIED = new Date().toUTCString()

/** @typedef {{ sizeBytes: number, chunks?: Buffer[] }} Body - `chunks` are there if the bytes were kept */
/** @type {Map<string, Body & { headers: Record<string, string> }>} */
const objects = new Map()
/** @type {Map<string, { headers: Record<string, string>, parts: Map<number, Body & { etag: string }> }>} */
const uploads = new Map()
const counts = { requests: 0, objectsSent: 0, bytesReceived: 0, bytesSent: 0 }
let lastId = 0
/** What answers say that is not so, when clients are tried. */
let pretence = {}
/** Whether uploads of any size are kept. */
let keepsAll = false

const nextId = () => (++lastId).toString(16).toUpperCase().padStart(32, '0')

/**
 * Reads a request to its end.
 *
 * @returns {Promise<Body>}
 */
async function drain(request) {
  let sizeBytes = 0
  let kept = []
  request.on('data', (chunk) => {
    sizeBytes += chunk.length
    if (keepsAll || sizeBytes <= KEPT_BYTES) kept.push(chunk)
    else kept = []
  })
  await once(request, 'end')
  counts.bytesReceived += sizeBytes
  return { sizeBytes, chunks: keepsAll || sizeBytes <= KEPT_BYTES ? [Buffer.concat(kept)] : undefined }
}

/** The checksum in the answer to an upload: none, but when clients are tried. */
function namedCrc64() {
  return pretence.crc64 === undefined ? {} : { 'x-oss-hash-crc64ecma': pretence.crc64 }
}

/** Waits until more can be written, or nothing any more. */
function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

function answer(response, status, headers = {}, body = '') {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers })
  response.end(body)
}

function refuse(response, status, code) {
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`
  answer(response, status, { 'content-type': 'application/xml' }, xml)
}

function answerXml(response, root, content, headers = {}) {
  const xml = `<?xml version="1.0" encoding="UTF-8"?><${root}>${content}</${root}>`
  answer(response, 200, { 'content-type': 'application/xml', ...headers }, xml)
}

/** First and last byte of a `Range` header; nothing when there is none, `null` when it leaves the object. */
function rangeOf(header, sizeBytes) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const [start, end] =
    match[1] === ''
      ? [Math.max(0, sizeBytes - Number(match[2])), sizeBytes - 1]
      : [Number(match[1]), match[2] === '' ? sizeBytes - 1 : Math.min(Number(match[2]), sizeBytes - 1)]
  return start <= end && start < sizeBytes ? { start, end } : null
}

async function getObject(request, response, object) {
  const { sizeBytes, headers, chunks } = object
  const etag = pretence.replaced && pretence.objectsSent < counts.objectsSent ? REPLACED : headers.etag
  const match = request.headers['if-match']
  // oss2 leaves the quotes out.
  if (match !== undefined && match !== etag && `"${match}"` !== etag) {
    return refuse(response, 412, 'PreconditionFailed')
  }
  const range = rangeOf(request.headers['range'], sizeBytes)
  if (range === null && request.headers['x-oss-range-behavior'] === 'standard') {
    return refuse(response, 416, 'InvalidRange')
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 }
  response.writeHead(range ? 206 : 200, {
    ...headers,
    etag,
    ...namedCrc64(),
    'content-length': end + 1 - start,
    ...(range && { 'content-range': `bytes ${start}-${end}/${sizeBytes}` }),
  })
  if (request.method === 'HEAD') return response.end()
  const cutAt = pretence.cut && pretence.objectsSent === counts.objectsSent ? (start + end) / 2 : end
  counts.objectsSent += 1
  const until = Math.floor(cutAt) + 1
  for (const slice of chunks === undefined ? syntheticBytes(start, until) : slices(chunks, start, until)) {
    counts.bytesSent += slice.length
    if (response.write(slice)) continue
    await drained(response)
    if (response.destroyed) return
  }
  if (cutAt === end) response.end()
  else response.socket.end()
}

/** Bytes `start` to `end` (exclusive) of an object that was kept, in pieces as those of the others. */
function* slices(chunks, start, end) {
  const bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
  for (let at = start; at < end; at += SLICE_BYTES) yield bytes.subarray(at, Math.min(end, at + SLICE_BYTES))
}

/** What of a request's headers is kept with the object. */
function metadataOf(request) {
  return Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => name.startsWith('x-oss-meta-')),
  )
}

async function putObject(request, response, key) {
  const body = await drain(request)
  const etag = `"${nextId()}"`
  const headers = { ...metadataOf(request), etag, 'last-modified': MODIFIED }
  objects.set(key, { ...body, headers })
  answer(response, 200, { etag, ...namedCrc64() })
}

/** The parts that the list of a completing request names, in its order; nothing if one is not there. */
function namedParts(xml, parts) {
  const named = [...xml.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, item]) => {
    const part = parts.get(Number(/<PartNumber>(\d+)</.exec(item)?.[1]))
    const etag = /<ETag>(?:"|&quot;|&#34;)?(\w+)/.exec(item)?.[1]
    return part?.etag === `"${etag}"` ? part : undefined
  })
  return named.includes(undefined) ? undefined : named
}

async function multipart(request, response, key, query) {
  const body = await drain(request)
  if (request.method === 'POST' && query.has('uploads')) {
    const uploadId = nextId()
    uploads.set(uploadId, { headers: metadataOf(request), parts: new Map() })
    const content = `<Bucket>bench</Bucket><Key>${key}</Key><UploadId>${uploadId}</UploadId>`
    return answerXml(response, 'InitiateMultipartUploadResult', content)
  }
  const uploadId = query.get('uploadId')
  const upload = uploads.get(uploadId)
  if (upload === undefined) return refuse(response, 404, 'NoSuchUpload')
  const { parts } = upload
  switch (request.method) {
    case 'PUT': {
      const etag = `"${nextId()}"`
      parts.set(Number(query.get('partNumber')), { ...body, etag })
      return answer(response, 200, { etag, ...namedCrc64() })
    }
    case 'GET': {
      const marker = Number(query.get('part-number-marker') ?? 0)
      const limit = Number(query.get('max-parts') ?? 1000)
      const after = [...parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b)
      const page = after.slice(0, limit)
      const listed = page.map(
        ([number, { etag, sizeBytes }]) =>
          `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag><Size>${sizeBytes}</Size></Part>`,
      )
      const rest = `<NextPartNumberMarker>${page.at(-1)?.[0] ?? 0}</NextPartNumberMarker><IsTruncated>${after.length > limit}</IsTruncated>`
      return answerXml(
        response,
        'ListPartsResult',
        `<UploadId>${uploadId}</UploadId>${rest}${listed.join('')}`,
      )
    }
    case 'POST': {
      uploads.delete(uploadId)
      const named = namedParts(Buffer.concat(body.chunks).toString(), parts)
      if (named === undefined) return refuse(response, 400, 'InvalidPart')
      const etag = `"${nextId()}-${parts.size}"`
      const sizeBytes = named.reduce((sum, part) => sum + part.sizeBytes, 0)
      const chunks = named.every((part) => part.chunks) ? named.flatMap((part) => part.chunks) : undefined
      const headers = { ...upload.headers, etag, 'last-modified': MODIFIED }
      objects.set(key, { sizeBytes, headers, chunks })
      const content = `<Bucket>bench</Bucket><Key>${key}</Key><ETag>${etag}</ETag>`
      return answerXml(response, 'CompleteMultipartUploadResult', content, { etag, ...namedCrc64() })
    }
    default:
      uploads.delete(uploadId)
      return answer(response, 204)
  }
}

async function handle(request, response) {
  counts.requests += 1
  const { pathname, searchParams: query } = new URL(request.url, 'http://sink')
  // Path style: the bucket stands before the key.
  const key = decodeURIComponent(pathname).replace(/^\/[^/]*\//, '')
  if (query.has('uploads') || query.has('uploadId')) return multipart(request, response, key, query)
  if (request.method === 'PUT') return putObject(request, response, key)
  const object = objects.get(key)
  if (object === undefined) return refuse(response, 404, 'NoSuchKey')
  return getObject(request, response, object)
}

const server = createServer(
  { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 600_000 },
  (request, response) => {
    response.setHeader('x-oss-request-id', nextId())
    handle(request, response).catch((error) => {
      // A client that went away.
      if (error.code !== 'ECONNRESET' && !request.destroyed) console.error(error)
      response.destroy()
    })
  },
)

/** What the benchmark asks, over IPC. */
const controls = {
  async register({ key, sizeBytes, headers }) {
    const crc64 = String(syntheticCrc64(sizeBytes))
    const etag = `"${nextId()}"`
    objects.set(key, {
      sizeBytes,
      headers: { ...headers, etag, 'last-modified': MODIFIED, 'x-oss-hash-crc64ecma': crc64 },
    })
    return {}
  },
  async pretend({ crc64, replaced, cut }) {
    pretence = { crc64, replaced, cut, objectsSent: counts.objectsSent }
    return {}
  },
  async keep({ on }) {
    keepsAll = on
    return {}
  },
  async check({ key, sourcePath, privateKey }) {
    const object = objects.get(key)
    if (object?.chunks === undefined) return { wrong: 'Nothing was kept.' }
    objects.delete(key)
    return { wrong: wrongBytes({ ...object, sourcePath, privateKey }) }
  },
  async digest({ key, privateKey }) {
    const { headers, sizeBytes } = objects.get(key)
    const decipher = privateKey === undefined ? undefined : decipherOf(headers, privateKey)
    const hash = createHash('sha256')
    for (const slice of syntheticBytes(0, sizeBytes)) hash.update(decipher ? decipher.update(slice) : slice)
    return { sha256: hash.digest('hex') }
  },
  async usage() {
    const { user, system } = process.cpuUsage()
    return { ...counts, cpuSeconds: (user + system) / 1e6 }
  },
}

process.on('message', ({ control, ...args }) => {
  controls[control](args).then(
    (result) => process.send(result),
    (error) => process.send({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
// Ctrl-C reaches the whole group: the benchmark ends this process when it ends itself.
process.on('SIGINT', () => {})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
