import { sourceChanged } from '../cipher/encrypted-part.ts'
import { sharedRun } from '../policy/shared-run.ts'

/**
 * Remembers which ciphertext each part of an upload has, from before its first byte leaves. Two plaintexts under one part
 * number would be encrypted with the same keystream, and their difference would lie open.
 */
export class PartLedger {
  readonly #digests: Map<number, string>
  readonly #saved: Set<number>
  readonly #save: () => Promise<void>

  /**
   * @param digests - SHA-256 of the ciphertext, base64, by part number, of the parts that were begun before
   * @param save - makes the ledger outlive the process
   */
  constructor(digests: Readonly<Record<string, string>>, save: () => Promise<void>) {
    this.#digests = new Map(Object.entries(digests).map(([n, digest]) => [Number(n), digest]))
    this.#saved = new Set(this.#digests.keys())
    this.#save = sharedRun(save)
  }

  /** The numbers of the parts of which a byte may have left. */
  get begun(): readonly number[] {
    return [...this.#digests.keys()]
  }

  /**
   * Writes down what a part's ciphertext is. Resolves once that was saved: then a byte of it may leave.
   *
   * @param sha256 - of the ciphertext, base64
   * @throws CseError `ERR_CSE_SOURCE_CHANGED` when the part was begun with another ciphertext; what saving throws
   */
  async begin(partNumber: number, sha256: string): Promise<void> {
    if (this.#digests.has(partNumber)) this.check(partNumber, sha256)
    this.#digests.set(partNumber, sha256)
    if (this.#saved.has(partNumber)) return
    await this.#save()
    this.#saved.add(partNumber)
  }

  /**
   * Checks that a part was begun with a ciphertext.
   *
   * @throws CseError `ERR_CSE_SOURCE_CHANGED` when it was begun with another one, or not at all
   */
  check(partNumber: number, sha256: string): void {
    if (this.#digests.get(partNumber) !== sha256) throw sourceChanged(partNumber)
  }

  /** The digests, as the constructor takes them. */
  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#digests)
  }
}
