import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { Gate } from './gate.js'

/**
 * @typedef {object} Exchange - one request and its answer, as they went over the wire
 * @property {Kind} kind
 * @property {string} key - the object's key
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {string | undefined} uploadId - of an initiation: the one that the answer gives
 * @property {number | undefined} partNumber
 * @property {number} status - 0 as long as there is no answer
 * @property {Promise<void>} ended - resolves when the connection is done with it, one way or another
 */

/**
 * @typedef {'initiate' | 'part' | 'complete' | 'abort' | 'list-parts' | 'put' | 'get' | 'head' | 'other'} Kind
 */

/**
 * A proxy between a client and the emulator: it sees every request as it came, a cut-off one too, compares the bytes of
 * parts that are sent twice, and can hold requests back.
 */
export class WireTap {
  /** @type {Exchange[]} */
  exchanges = []
  /** The parts of which two different ciphertexts went out, which must never be. */
  conflicts = []
  #server
  #target
  #agent = new Agent({ keepAlive: true })
  #bodies = new Map()
  #gate

  static async start(targetPort) {
    const tap = new WireTap()
    tap.#target = targetPort
    tap.#server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 0 }, (request, response) => {
      tap.#pass(request, response).catch(() => response.destroy())
    })
    tap.#server.listen(0, '127.0.0.1')
    await once(tap.#server, 'listening')
    return tap
  }

  get endpoint() {
    return `http://localhost:${this.#server.address().port}`
  }

  /** Holds requests of a kind, but the first few, until the gate is opened. It is reached when `hold` of them are held. */
  gate(kind, pass, hold = 1) {
    this.#gate = new Gate((exchange) => exchange.kind === kind, pass, hold)
    return this.#gate
  }

  /** Resolves when nothing is under way. */
  async idle() {
    await Promise.all(this.exchanges.map(({ ended }) => ended))
  }

  /** Waits until nothing is under way, and closes the connections of clients that serve nothing then. */
  async settle() {
    await this.idle()
    this.#server.closeIdleConnections()
  }

  /** The ciphertext that was sent for a part, as far as it was. */
  partBody(uploadId, partNumber) {
    return this.#bodies.get(`${uploadId} ${partNumber}`)
  }

  /** Forgets everything, for the next transfer. */
  reset() {
    this.exchanges = []
    this.conflicts = []
    this.#bodies.clear()
    this.#gate = undefined
  }

  async close() {
    this.#gate?.open()
    this.#server.closeAllConnections()
    this.#server.close()
    this.#agent.destroy()
  }

  async #pass(request, response) {
    const ended = once(response, 'close').then(() => {})
    const exchange = { ...about(request), headers: request.headers, status: 0, ended }
    this.exchanges.push(exchange)
    request.on('error', () => {})
    await this.#gate?.pass(exchange)
    if (response.destroyed) return
    const { method, url: path, headers } = request
    const upstream = httpRequest({
      host: '127.0.0.1',
      port: this.#target,
      method,
      path,
      headers,
      agent: this.#agent,
    })
    // What breaks is seen by who waits for it; later it is of no interest.
    upstream.on('error', () => {})
    response.once('close', () => upstream.destroy())
    const answered = once(upstream, 'response')
    const sent = pipeline(request, (chunks) => this.#parts(chunks, exchange), upstream)
    const [[answer]] = await Promise.all([answered, sent])
    exchange.status = answer.statusCode
    response.writeHead(answer.statusCode, answer.rawHeaders)
    await pipeline(answer, (chunks) => uploadIdOf(chunks, exchange), response)
  }

  /** Keeps what is sent of a part, as far as it is. */
  async *#parts(chunks, exchange) {
    const sent = []
    try {
      for await (const chunk of chunks) {
        if (exchange.kind === 'part') sent.push(chunk)
        yield chunk
      }
    } finally {
      if (exchange.kind === 'part') this.#compare(exchange, Buffer.concat(sent))
    }
  }

  /** What was cut off must be a beginning of what is sent in full. */
  #compare({ uploadId, partNumber }, body) {
    const name = `${uploadId} ${partNumber}`
    const known = this.#bodies.get(name) ?? Buffer.alloc(0)
    const common = Math.min(known.length, body.length)
    if (!known.subarray(0, common).equals(body.subarray(0, common))) {
      this.conflicts.push(`part ${partNumber} of upload ${uploadId}`)
    }
    if (body.length > known.length) this.#bodies.set(name, body)
  }
}

/** Learns from the answer to an initiation which upload it began. */
async function* uploadIdOf(chunks, exchange) {
  const document = []
  for await (const chunk of chunks) {
    if (exchange.kind === 'initiate') document.push(chunk)
    yield chunk
  }
  exchange.uploadId ??= /<UploadId>([^<]*)/.exec(Buffer.concat(document).toString())?.[1]
}

function about({ method, url }) {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  // Path style: /BUCKET/KEY.
  const key = decodeURIComponent(pathname.split('/').slice(2).join('/'))
  const uploadId = searchParams.get('uploadId') ?? undefined
  const part = searchParams.get('partNumber')
  return {
    kind: kindOf(method, searchParams),
    key,
    uploadId,
    partNumber: part === null ? undefined : Number(part),
  }
}

/** @returns {Kind} */
function kindOf(method, parameters) {
  if (parameters.has('uploadId')) {
    return { PUT: 'part', POST: 'complete', DELETE: 'abort', GET: 'list-parts' }[method] ?? 'other'
  }
  if (parameters.has('uploads')) return method === 'POST' ? 'initiate' : 'other'
  return { PUT: 'put', GET: 'get', HEAD: 'head' }[method] ?? 'other'
}
