// The format of sealed objects once more, on node:crypto alone: what the packages write is not checked by themselves.
import { createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto'
import { contentFormat, decodeEnvelope } from '@oss-cse/crypto-core'

const CEK_ALGORITHM = 'AES256_GCM_HKDF_64KB'
export const SEGMENT_BYTES = 65_536
const HEADER_BYTES = 40
const TAG_BYTES = 16
const PLAINTEXT_BYTES = SEGMENT_BYTES - TAG_BYTES

/**
 * @typedef {object} SealedKey - what the segments of one object are sealed with
 * @property {Buffer} key
 * @property {Buffer} prefix - of all nonces
 * @property {Buffer} header - the first stored bytes
 */

/**
 * Derives it for an object without a context.
 *
 * @param {import('@oss-cse/crypto-core').ContentKey} contentKey
 * @returns {SealedKey}
 */
export function deriveSealedKey({ cek, iv }) {
  const object = Buffer.concat([Buffer.from(`\0${CEK_ALGORITHM}\0`), iv])
  const derive = (label) =>
    createHmac('sha256', cek).update(`oss-cse sealed v1 ${label}`).update(object).digest()
  const salt = derive('salt')
  const prefix = derive('nonce').subarray(0, 7)
  const key = Buffer.from(hkdfSync('sha256', cek, salt, '', 32))
  return { key, prefix, header: Buffer.concat([Buffer.of(HEADER_BYTES), salt, prefix]) }
}

/** The number of stored bytes of so many bytes of plaintext. */
export function sealedLength(sizeBytes) {
  return HEADER_BYTES + sizeBytes + TAG_BYTES * segmentCount(sizeBytes)
}

/** The offset in the plaintext of what a segment holds. */
export function plaintextOffset(segment) {
  return segment === 0 ? 0 : segment * PLAINTEXT_BYTES - HEADER_BYTES
}

/** The index of the segment that holds a byte of the plaintext. */
export function segmentAt(offsetBytes) {
  return Math.floor((offsetBytes + HEADER_BYTES) / PLAINTEXT_BYTES)
}

/**
 * Opens one segment.
 *
 * @param {SealedKey} sealedKey
 * @param {Buffer} stored - its stored bytes: those of segment 0 begin with the header
 * @param {{ index: number, last: boolean }} segment
 * @returns {Buffer | undefined} `undefined`: it is not authentic
 */
export function openSegment({ key, prefix, header }, stored, { index, last }) {
  const begin = index === 0 ? HEADER_BYTES : 0
  if (!stored.subarray(0, begin).equals(header.subarray(0, begin))) return undefined
  if (stored.length < begin + TAG_BYTES) return undefined
  const nonce = Buffer.alloc(12)
  prefix.copy(nonce)
  nonce.writeUInt32BE(index, 7)
  nonce[11] = last ? 1 : 0
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(tagOf(stored))
  try {
    return Buffer.concat([decipher.update(stored.subarray(begin, -TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}

/** Opens a whole object. */
function openSealed(contentKey, bytes) {
  const sealedKey = deriveSealedKey(contentKey)
  return Buffer.concat(
    segmentsOf(bytes).map((stored, index, { length }) => {
      const opened = openSegment(sealedKey, stored, { index, last: index === length - 1 })
      if (opened === undefined) throw new Error(`segment ${index} of ${length} is not authentic`)
      return opened
    }),
  )
}

/**
 * Opens a stored object that should be sealed.
 *
 * @param {{ headers: import('@oss-cse/crypto-core').HeaderMap, bytes: Uint8Array } | undefined} stored
 * @param {import('@oss-cse/crypto-core').Keyring} keyring
 * @returns {Promise<Buffer>}
 * @throws {Error} when there is none, it has another format, or it is not authentic
 */
export async function openStored(stored, keyring) {
  if (stored === undefined) throw new Error('there is no object')
  const envelope = decodeEnvelope(stored.headers)
  if (contentFormat(envelope) !== 'sealed') throw new Error('the object is not sealed')
  return openSealed(await keyring.unwrap(envelope), stored.bytes)
}

/** Cuts stored bytes that begin with a segment into segments. The last one may be cut off. @returns {Buffer[]} */
export function segmentsOf(bytes) {
  const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = Math.max(1, Math.ceil(stored.length / SEGMENT_BYTES))
  return Array.from({ length: count }, (_, index) =>
    stored.subarray(index * SEGMENT_BYTES, (index + 1) * SEGMENT_BYTES),
  )
}

/** The tag at the end of a whole segment. */
export function tagOf(segment) {
  return segment.subarray(-TAG_BYTES)
}

/** What a record says of a part of whole segments. @param {Buffer} body @returns {string} base64 */
export function sealedPartDigest(body) {
  const hash = createHash('sha256')
  for (const segment of segmentsOf(body)) hash.update(tagOf(segment))
  return hash.digest('base64')
}

function segmentCount(sizeBytes) {
  return Math.max(1, Math.ceil((sizeBytes + HEADER_BYTES) / PLAINTEXT_BYTES))
}
