import { createHash, type Hash } from 'node:crypto'
import { createCrc64 } from '@oss-cse/crypto-core/internal'

/** Computes the checksums of a body chunk by chunk. */
export class ContentDigest {
  readonly #md5: Hash = createHash('md5')
  readonly #crc64 = createCrc64()
  #sizeBytes = 0

  update(chunk: Uint8Array): void {
    this.#md5.update(chunk)
    this.#crc64.update(chunk)
    this.#sizeBytes += chunk.length
  }

  /** Returns the checksums. The digest cannot be used afterwards. */
  finish(): ContentSummary {
    const md5 = this.#md5.digest()
    return {
      sizeBytes: this.#sizeBytes,
      etag: md5.toString('hex').toUpperCase(),
      contentMd5: md5.toString('base64'),
      crc64: this.#crc64.value().toString(),
    }
  }
}

/** The size and checksums of a body. */
export interface ContentSummary {
  readonly sizeBytes: number
  /** 32 upper-case hexadecimal digits, without quotes. */
  readonly etag: string
  /** Base64. */
  readonly contentMd5: string
  /** Unsigned decimal. */
  readonly crc64: string
}
