import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
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
 * A proxy between a client and the emulator: it sees every request as it came, a cut-off one too, and can hold requests
 * back.
 */
export class WireTap {
  /** @type {Exchange[]} */
  exchanges = []
  #server
  #target
  #agent = new Agent({ keepAlive: true })
  #gate
  #onSent
  #putChunkMs

  /**
   * @param {number} targetPort
   * @param {{ onSent?: (body: import('./sent-ciphertext.js').SentBody) => void, putChunkMs?: number }} [options] - `onSent`
   * gets what left of each put and part; `putChunkMs`: how long each chunk of a put takes
   */
  static async start(targetPort, { onSent = () => {}, putChunkMs = 0 } = {}) {
    const tap = new WireTap()
    tap.#target = targetPort
    tap.#onSent = onSent
    tap.#putChunkMs = putChunkMs
    tap.#server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 0 }, (request, response) => {
      const closed = once(response, 'close')
      const ended = new Deferred()
      const exchange = { ...describeRequest(request), status: 0, ended: ended.promise }
      const passed = tap.#pass(request, response, exchange).catch(() => response.destroy())
      void Promise.allSettled([passed, closed]).then(ended.resolve)
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

  /** Forgets everything, for the next transfer. */
  reset() {
    this.exchanges = []
    this.#gate = undefined
  }

  async close() {
    this.#gate?.open()
    this.#server.closeAllConnections()
    this.#server.close()
    this.#agent.destroy()
  }

  async #pass(request, response, exchange) {
    this.exchanges.push(exchange)
    request.on('error', () => {})
    const passes = await this.#gate?.pass(exchange)
    if (response.destroyed || passes === false) {
      await this.#swallow(request, response, exchange)
      return
    }
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
    const sent = pipeline(request, (chunks) => this.#recorded(chunks, request, exchange), upstream)
    const [[answer]] = await Promise.all([answered, sent]).finally(() => sent.catch(() => {}))
    exchange.status = answer.statusCode
    response.writeHead(answer.statusCode, answer.rawHeaders)
    await pipeline(answer, (chunks) => uploadIdOf(chunks, exchange), response)
  }

  /** Takes what a client sent that is gone, or that gets no answer. */
  async #swallow(request, response, exchange) {
    try {
      for await (const _ of this.#recorded(request, request, exchange));
    } catch {
      // It was cut off.
    }
    response.destroy()
  }

  /** Records what is sent of a put or a part, as far as it is. */
  async *#recorded(chunks, request, exchange) {
    const { kind } = exchange
    const recorded = carriesBytes(exchange)
    const sent = []
    try {
      for await (const chunk of chunks) {
        if (recorded) sent.push(chunk)
        if (kind === 'put' && this.#putChunkMs > 0) await delay(this.#putChunkMs)
        yield chunk
      }
    } finally {
      if (recorded) {
        // What has arrived, and nobody reads any more.
        for (let chunk = request.read(); chunk !== null; chunk = request.read()) sent.push(chunk)
        this.#onSent({ exchange, bytes: Buffer.concat(sent), whole: request.complete })
      }
    }
  }
}

/** Whether the body of a request is one of an object. */
export function carriesBytes({ kind }) {
  return kind === 'part' || kind === 'put'
}

class Deferred {
  promise = new Promise((resolve) => {
    this.resolve = resolve
  })
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

/** What a request of a client is about. @returns {Omit<Exchange, 'status' | 'ended'>} */
export function describeRequest({ method, url, headers }) {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  // Path style: /BUCKET/KEY.
  const key = decodeURIComponent(pathname.split('/').slice(2).join('/'))
  const uploadId = searchParams.get('uploadId') ?? undefined
  const part = searchParams.get('partNumber')
  return {
    kind: kindOf(method, searchParams),
    key,
    headers,
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
