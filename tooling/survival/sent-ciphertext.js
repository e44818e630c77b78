import { contentFormat, decodeEnvelope } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { deriveSealedKey, openSegment, SEGMENT_BYTES } from './sealed-object.js'

/**
 * @typedef {object} SentBody - the bytes of one request that left, as far as they did
 * @property {import('./wire-tap.js').Exchange} exchange
 * @property {Buffer} bytes
 * @property {boolean} whole - whether the request arrived in full
 */

/**
 * @typedef {object} SentReport
 * @property {string[]} failures
 * @property {number} segments - how many segments of sealed objects left, whole or in part
 * @property {number} again - how many of them carried a nonce that had left before
 */

/**
 * All ciphertext that left for a service, with any sender, and with any outcome of the request. It knows the private key, and
 * so which bytes were encrypted under the same key and counter, or under the same key and nonce: those must be the same.
 */
export class SentCiphertext {
  #keyring
  /** @type {SentBody[]} */
  #bodies = []
  #objects = new Map()
  /** The keys of which nothing may be sent any more. */
  #done = new Set()

  /** @param {import('@oss-cse/crypto-core').Keyring} keyring */
  constructor(keyring) {
    this.#keyring = keyring
  }

  /** @param {SentBody} body */
  add(body) {
    if (body.exchange.headers[V2_HEADERS.wrappedCek] !== undefined) this.#bodies.push(body)
  }

  /** The longest that was sent for a part. */
  partBody(uploadId, partNumber) {
    return this.#bodies
      .filter(({ exchange }) => exchange.uploadId === uploadId && exchange.partNumber === partNumber)
      .map(({ bytes }) => bytes)
      .sort((a, b) => b.length - a.length)[0]
  }

  /** What was sent of sealed objects. */
  sealedBodies() {
    return this.#bodies.filter(({ exchange }) => formatOf(exchange) === 'sealed').map(({ bytes }) => bytes)
  }

  /**
   * Looks for what must never be, and then forgets the bytes. No key that was used until now may be used afterwards.
   *
   * @returns {Promise<SentReport>}
   */
  async report() {
    const report = { failures: [], segments: 0, again: 0 }
    const sent = new Map()
    const used = new Map()
    for (const body of this.#bodies.splice(0)) {
      const object = await this.#objectOf(body.exchange)
      const what = nameOf(body.exchange)
      const { id } = object
      if (this.#done.has(id)) report.failures.push(`${what} left under a key of an earlier transfer`)
      const owner = body.exchange.uploadId ?? body
      if ((used.get(id) ?? owner) !== owner)
        report.failures.push(`${what} left under the key of another request`)
      used.set(id, owner)
      for (const unit of unitsOf(body, object, report)) {
        const name = `${id} ${unit.name}`
        const earlier = sent.get(name) ?? []
        if (object.format === 'sealed') {
          report.segments += 1
          if (earlier.length > 0) report.again += 1
        }
        if (earlier.some((other) => differ(unit, other))) {
          report.failures.push(
            `two ciphertexts left under one ${COUNTED[object.format]}: ${unit.name} of ${what}`,
          )
        }
        sent.set(name, [...earlier, unit])
      }
    }
    for (const id of used.keys()) this.#done.add(id)
    return report
  }

  /** The key of a request: each one has the headers of its envelope. */
  async #objectOf({ headers }) {
    const wrapped = `${headers[V2_HEADERS.wrappedCek]} ${headers[V2_HEADERS.wrappedIv]}`
    if (!this.#objects.has(wrapped)) {
      const envelope = decodeEnvelope(headers)
      const contentKey = await this.#keyring.unwrap(envelope)
      const format = contentFormat(envelope)
      const id = Buffer.concat([contentKey.cek, contentKey.iv]).toString('hex')
      const sealedKey = format === 'sealed' ? deriveSealedKey(contentKey) : undefined
      this.#objects.set(wrapped, { id, format, sealedKey })
    }
    return this.#objects.get(wrapped)
  }
}

/**
 * Notes what a report says.
 *
 * @param {SentReport} report
 * @param {import('./findings.js').Findings} findings
 */
export function noteSent({ failures, segments, again }, findings, when) {
  for (const failure of failures) findings.expect(false, `${when}: ${failure}`)
  findings.count('sealed segments that left', segments)
  findings.count('sealed segments that left again', again)
}

const COUNTED = { sealed: 'nonce', 'aes-ctr': 'counter' }

function formatOf({ headers }) {
  return contentFormat(decodeEnvelope(headers))
}

function nameOf({ kind, key, uploadId, partNumber }) {
  return kind === 'part' ? `part ${partNumber} of upload ${uploadId}` : `a put of ${key}`
}

/**
 * Cuts what left into what is compared with each other: segments by their nonce, and of AES-CTR pieces of the same length.
 *
 * @returns {{ name: string, start: number, bytes: Buffer }[]}
 */
function unitsOf(body, { format, sealedKey }, report) {
  const { exchange, bytes } = body
  const offset = exchange.kind === 'part' ? (exchange.partNumber - 1) * partSizeOf(exchange) : 0
  const total = totalOf(body)
  const units = []
  for (let start = offset; start < offset + bytes.length; ) {
    const index = Math.floor(start / SEGMENT_BYTES)
    const end = Math.min((index + 1) * SEGMENT_BYTES, offset + bytes.length)
    const unit = { start, bytes: bytes.subarray(start - offset, end - offset) }
    start = end
    if (format === 'aes-ctr') {
      units.push({ name: `piece ${index}`, ...unit })
      continue
    }
    for (const last of mayBeLast(index, total))
      units.push({ name: `segment ${index}, last ${last}`, ...unit })
    const whole = end === Math.min((index + 1) * SEGMENT_BYTES, total ?? Number.POSITIVE_INFINITY)
    const opens = (last) => openSegment(sealedKey, unit.bytes, { index, last }) !== undefined
    if (whole && !mayBeLast(index, total).some(opens)) {
      report.failures.push(`segment ${index} of ${nameOf(exchange)} left and is not authentic`)
    }
  }
  return units
}

/** The last flags that a segment may have. Both count where the length of the object is not known. */
function mayBeLast(index, total) {
  return total === undefined ? [false, true] : [(index + 1) * SEGMENT_BYTES >= total]
}

/** The length of the whole stored object, as far as the request tells. */
function totalOf({ exchange: { kind, headers }, bytes, whole }) {
  if (kind === 'part') return Number(headers[V2_HEADERS.dataSize])
  if (headers['content-length'] !== undefined) return Number(headers['content-length'])
  return whole ? bytes.length : undefined
}

function partSizeOf({ headers }) {
  return Number(headers[V2_HEADERS.partSize])
}

/** Whether two pieces of the same object have other bytes at the same place. */
function differ(a, b) {
  const start = Math.max(a.start, b.start)
  const end = Math.min(a.start + a.bytes.length, b.start + b.bytes.length)
  if (start >= end) return false
  const cut = ({ start: from, bytes }) => bytes.subarray(start - from, end - from)
  return !cut(a).equals(cut(b))
}
