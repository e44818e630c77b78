import { decodeBase64, encodeBase64 } from '@oss-cse/crypto-core'
import { equalBytes } from '@oss-cse/crypto-core/internal'
import { sourceChanged } from '../cipher/encrypted-part.ts'
import { sharedRun } from '../policy/shared-run.ts'

/**
 * Records the ciphertext of each part of an upload before its first byte is sent. Two plaintexts under one part number
 * would be encrypted with the same keystream, which would reveal their difference.
 */
export class PartLedger {
  readonly #digests: Map<number, string>
  readonly #saved: Set<number>
  readonly #save: () => Promise<void>

  /**
   * @param digests - the digests of the parts that were started before, base64, by part number
   * @param save - saves the ledger outside the process
   */
  constructor(digests: Readonly<Record<string, string>>, save: () => Promise<void>) {
    this.#digests = new Map(Object.entries(digests).map(([n, digest]) => [Number(n), digest]))
    this.#saved = new Set(this.#digests.keys())
    this.#save = sharedRun(save)
  }

  /** The numbers of the parts of which a byte may have been sent. */
  get begun(): readonly number[] {
    return [...this.#digests.keys()]
  }

  /**
   * Records the ciphertext of a part. Resolves when it is saved; only then may a byte of the part be sent.
   *
   * @param digest - the part's digest, 16 bytes
   * @throws CseError `ERR_CSE_SOURCE_CHANGED` when the part was started with another ciphertext; what saving throws
   */
  async begin(partNumber: number, digest: Uint8Array): Promise<void> {
    if (this.#digests.has(partNumber)) this.check(partNumber, digest)
    this.#digests.set(partNumber, encodeBase64(digest))
    if (this.#saved.has(partNumber)) return
    await this.#save()
    this.#saved.add(partNumber)
  }

  /**
   * Checks that a part was started with this ciphertext.
   *
   * @throws CseError `ERR_CSE_SOURCE_CHANGED` when it was started with another one, or not at all
   */
  check(partNumber: number, digest: Uint8Array): void {
    const known = decodeBase64(this.#digests.get(partNumber) ?? '')
    if (known === undefined || !equalBytes(known, digest)) throw sourceChanged(partNumber)
  }

  /** The digests, in the form that the constructor takes. */
  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#digests)
  }
}
