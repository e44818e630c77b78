import type { ContentKey } from './ports.ts'
import { SEALED_CEK_ALGORITHM, SEALED_HEADER_BYTES, SEGMENT_BYTES, TAG_BYTES } from './segment-plan.ts'

/**
 * The key of one sealed object, derived from its content key. Seals and opens single segments. What it returns may be a
 * promise; on Node.js nothing is.
 */
export interface SegmentCipher {
  /** The first 40 stored bytes. They follow from the content key and the context, and so commit to both. */
  readonly header: Uint8Array
  /**
   * Encrypts the plaintext of one segment. Never call it for two plaintexts with one index: that reveals both, and the
   * key that authenticates.
   *
   * @param last - whether the segment ends the object
   * @param out - memory of the result's length, which the engine may use for it
   * @returns the ciphertext and the tag. Segment 0 is without its header
   */
  seal(
    plaintext: Uint8Array,
    index: number,
    last: boolean,
    out?: Uint8Array,
  ): Uint8Array | Promise<Uint8Array>
  /**
   * Verifies and decrypts one segment.
   *
   * @param sealed - the ciphertext and the tag. Segment 0 is without its header
   * @returns the plaintext, or `undefined` if the segment is not authentic at this place
   */
  open(
    sealed: Uint8Array,
    index: number,
    last: boolean,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Forgets the key. */
  dispose(): void
}

/**
 * An implementation of the content of sealed objects: AES-256-GCM in segments of 64 KiB under a key of its own, in the
 * streaming format AES-GCM-HKDF of Tink. All engines read and write the same bytes.
 */
export interface SealEngine {
  readonly name: 'node' | 'web' | 'noble'
  /**
   * Derives the key of an object. The caller may wipe the content key as soon as this returns, even if it is a promise.
   *
   * @param context - bound into header and key: other bytes lead to another key. Tink calls it the associated data
   */
  start(contentKey: ContentKey, context: Uint8Array): SegmentCipher | Promise<SegmentCipher>
}

/** The length in bytes of the salt. */
export const SALT_BYTES = 32
/** The length in bytes of the key that is derived. */
export const SEALED_KEY_BYTES = 32
/** The length in bytes of the part of a nonce that is the same in a whole object. */
const PREFIX_BYTES = 7

/** What the salt is the HMAC of, under the content key. */
export function saltMessage(iv: Uint8Array, context: Uint8Array): Uint8Array<ArrayBuffer> {
  return labelled('oss-cse sealed v1 salt', iv, context)
}

/** What the prefix of the nonces is the HMAC of, under the content key. */
export function prefixMessage(iv: Uint8Array, context: Uint8Array): Uint8Array<ArrayBuffer> {
  return labelled('oss-cse sealed v1 nonce', iv, context)
}

/** `label ‖ 0x00 ‖ content algorithm ‖ 0x00 ‖ IV ‖ context`. */
function labelled(label: string, iv: Uint8Array, context: Uint8Array): Uint8Array<ArrayBuffer> {
  const names = new TextEncoder().encode(`${label}\0${SEALED_CEK_ALGORITHM}\0`)
  const message = new Uint8Array(names.length + iv.length + context.length)
  message.set(names)
  message.set(iv, names.length)
  message.set(context, names.length + iv.length)
  return message
}

/**
 * The header of a sealed object: its own length, the salt, and the prefix of the nonces.
 *
 * @param prefixHmac - the HMAC whose first bytes are the prefix
 */
export function sealedHeader(salt: Uint8Array, prefixHmac: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(SEALED_HEADER_BYTES)
  header[0] = SEALED_HEADER_BYTES
  header.set(salt, 1)
  header.set(prefixHmac.subarray(0, PREFIX_BYTES), 1 + SALT_BYTES)
  return header
}

/** The nonce of a segment: `prefix ‖ u32be(index) ‖ last`. */
export function segmentNonce(header: Uint8Array, index: number, last: boolean): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12)
  nonce.set(header.subarray(1 + SALT_BYTES))
  new DataView(nonce.buffer).setUint32(PREFIX_BYTES, index)
  nonce[11] = last ? 1 : 0
  return nonce
}

/** Checks the length of a segment that is to be opened: no valid one has another. */
export function mayBeSegment(sealed: Uint8Array): boolean {
  return sealed.length >= TAG_BYTES && sealed.length <= SEGMENT_BYTES
}
