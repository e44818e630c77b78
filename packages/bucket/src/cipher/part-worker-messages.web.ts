import type { PartRange } from '@oss-cse/crypto-core'

/** A part of a Blob that the worker encrypts. */
export interface PartJob {
  readonly id: number
  /** The plaintext of the part. */
  readonly blob: Blob
  readonly range: PartRange
  /** CEK and IV, one after the other. It is transferred, so that there is one copy of it, which the worker wipes. */
  readonly key: ArrayBuffer
  /** The context of a sealed object, see `encodeContext`. Absent: its format is AES-CTR. */
  readonly sealedContext?: Uint8Array | undefined
}

/** The result of a job. */
export interface PartJobResult {
  readonly id: number
  /** Absent if the job failed. The caller's own attempt then shows why. */
  readonly part?: EncryptedBlobPart | undefined
}

/** An encrypted part in memory. */
export interface EncryptedBlobPart {
  readonly buffer: ArrayBuffer
  /** What the digest of the part is made of: the digests of its pieces, or the tags of its segments. */
  readonly digests: Uint8Array
  readonly crc64: bigint
}
