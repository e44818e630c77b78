import { cipherOf, type RunKey } from './derived-key.ts'
import type { SegmentCipher } from './seal-engine.ts'
import { plaintextBefore, SEALED_HEADER_BYTES, TAG_BYTES } from './segment-plan.ts'
import { TagList } from './tag-list.ts'

/** Where in an object a run of segments is sealed. */
export interface SealedRun {
  /** The first segment of the run. */
  readonly firstSegment: number
  /** Whether the run ends the object. False: its plaintext must fill whole segments. */
  readonly endsObject: boolean
}

/** Seals the segments of one run in their order, each once. */
export class SegmentSealer {
  readonly #cipher: SegmentCipher
  readonly #endsObject: boolean
  readonly #tags: TagList | undefined
  #index: number
  #ended = false

  constructor(
    cipher: SegmentCipher,
    { firstSegment, endsObject, tags }: SealedRun & { readonly tags: boolean },
  ) {
    this.#cipher = cipher
    this.#index = firstSegment
    this.#endsObject = endsObject
    this.#tags = tags ? new TagList() : undefined
  }

  /** The first 40 stored bytes of the object. */
  get header(): Uint8Array {
    return this.#cipher.header
  }

  /** The number of bytes of plaintext that fill the next segment. */
  get segmentBytes(): number {
    return plaintextBefore(this.#index + 1) - plaintextBefore(this.#index)
  }

  /**
   * Seals the next segment. What it returns is no promise on Node.js; elsewhere it must be awaited before the next call.
   *
   * @param ended - whether the run ends with it. Nothing is sealed after it
   * @param out - where to put the stored bytes, with at least as much room. Default: new memory
   * @returns the stored bytes: those of segment 0 begin with the header
   * @throws TypeError for plaintext that does not fill the segment, unless it ends the object
   */
  seal(plaintext: Uint8Array, ended: boolean, out?: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (this.#ended) throw new TypeError('The run has ended.')
    const last = ended && this.#endsObject
    const { length } = plaintext
    if (length > this.segmentBytes || (length < this.segmentBytes && !last)) {
      throw new TypeError(ended ? 'A part must fill its segments.' : 'Only the last segment may be shorter.')
    }
    const index = this.#index
    const start = index === 0 ? SEALED_HEADER_BYTES : 0
    const storedBytes = start + length + TAG_BYTES
    const stored = out === undefined ? new Uint8Array(storedBytes) : out.subarray(0, storedBytes)
    this.#index += 1
    this.#ended = ended
    if (index === 0) stored.set(this.header)
    const placed = (sealed: Uint8Array): Uint8Array => {
      if (sealed.buffer !== stored.buffer) stored.set(sealed, start)
      this.#tags?.add(stored)
      return stored
    }
    const sealed = this.#cipher.seal(plaintext, index, last, stored.subarray(start))
    return sealed instanceof Promise ? sealed.then(placed) : placed(sealed)
  }

  /** The tags of the segments, one after another, if they are kept. They are never stored, logged or sent by themselves. */
  tags(): Uint8Array {
    return this.#tags?.bytes() ?? new Uint8Array()
  }

  /** Forgets the key. */
  dispose(): void {
    this.#ended = true
    this.#cipher.dispose()
  }
}

/**
 * Starts to seal a run, segment by segment. What it returns is no promise on Node.js. The caller may wipe its copy of the key
 * as soon as this returns.
 *
 * @param run - `tags`: whether to keep the tags of the segments. They grow with the run
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the content key has wrong lengths
 */
export function startSealer(
  key: RunKey,
  run: SealedRun & { readonly tags: boolean },
): SegmentSealer | Promise<SegmentSealer> {
  const started = cipherOf(key)
  return started instanceof Promise
    ? started.then((cipher) => new SegmentSealer(cipher, run))
    : new SegmentSealer(started, run)
}
