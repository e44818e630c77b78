import type { PartRange } from '@oss-cse/crypto-core'
import type { ByteSource } from '../source/byte-source.ts'
import { type EncryptedPart, MAX_HELD_BYTES, type PartDigest } from './encrypted-part.ts'
import type { FileRuns } from './file-runs.ts'

/** How this thread encrypts a part, in one of the formats. */
export interface PartPasses {
  /** Encrypts a part once, and keeps it in memory. */
  inMemory(source: ByteSource, range: PartRange): Promise<EncryptedPart>
  /** Encrypts a part for its digest, and again each time it is sent. */
  twice(source: ByteSource, range: PartRange): Promise<EncryptedPart>
  /** Encrypts a part only for its digest. */
  digest(source: ByteSource, range: PartRange): Promise<PartDigest>
}

/** Encrypts the parts of one object: those of a large file or Blob in a worker, all others in this thread. */
export class PartEncrypter {
  readonly #passes: PartPasses
  readonly #fileRuns: () => FileRuns
  /** The bytes of all parts that are in memory, here or in a worker. */
  #heldBytes = 0

  constructor(passes: PartPasses, fileRuns: () => FileRuns) {
    this.#passes = passes
    this.#fileRuns = fileRuns
  }

  /** See `ObjectCipher.encryptPart`. */
  async encrypt(
    source: ByteSource,
    range: PartRange,
    options: { readonly sends: boolean },
  ): Promise<EncryptedPart> {
    const { storedBytes } = range
    if (this.#heldBytes + storedBytes > MAX_HELD_BYTES && source.replayable) {
      return this.#passes.twice(source, range)
    }
    this.#heldBytes += storedBytes
    try {
      const part = await this.#intoMemory(source, range, options)
      return {
        sizeBytes: storedBytes,
        digest: part.digest,
        crc64: part.crc64,
        open: () => part.open(),
        ...(part.send && { send: part.send.bind(part) }),
        release: (reusable) => {
          part.release(reusable)
          this.#heldBytes -= storedBytes
        },
      }
    } catch (error) {
      this.#heldBytes -= storedBytes
      throw error
    }
  }

  /** See `ObjectCipher.digestPart`. */
  async digest(source: ByteSource, range: PartRange): Promise<PartDigest> {
    const part =
      range.storedBytes > MAX_HELD_BYTES ? undefined : await this.#byWorker(source, range, { sends: false })
    part?.release(true)
    return part ?? this.#passes.digest(source, range)
  }

  async #intoMemory(
    source: ByteSource,
    range: PartRange,
    options: { readonly sends: boolean },
  ): Promise<EncryptedPart> {
    return (await this.#byWorker(source, range, options)) ?? this.#passes.inMemory(source, range)
  }

  async #byWorker(
    { file, blob }: ByteSource,
    range: PartRange,
    options: { readonly sends: boolean },
  ): Promise<EncryptedPart | undefined> {
    if (file === undefined && blob === undefined) return undefined
    return this.#fileRuns().encryptPart(range, { file, blob }, options)
  }
}
