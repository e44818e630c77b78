import { createCrc64 } from '@oss-cse/crc64'
import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { sealEngine } from '@oss-cse/crypto-core/seal-engine'
import { concatBytes } from './bytes.ts'
import { checkContentKey } from './content-key.ts'
import type { ContentKey, ObjectBody } from './ports.ts'
import { RunSource, type RunWatch, startedOnce } from './run-source.ts'
import type { SealEngine, SegmentCipher } from './seal-engine.ts'
import { commitmentOf } from './sealed-commitment.ts'
import { plaintextBefore } from './segment-plan.ts'
import { TagList } from './tag-list.ts'

/** Options of sealing a run: a whole object, or one part of it. */
interface SealRunOptions {
  readonly contentKey: ContentKey
  /** See `encodeContext`. */
  readonly context: Uint8Array
  /** The first segment of the run. Default 0. */
  readonly firstSegment?: number | undefined
  /** Whether the run ends the object. Default true. False: the plaintext must fill whole segments. */
  readonly endsObject?: boolean | undefined
  /** Whether to keep the tags of the segments. Default false: they grow with the run. */
  readonly tags?: boolean | undefined
  /** Another engine. Default: the one that the `exports` condition of the runtime selects. */
  readonly engine?: SealEngine | undefined
}

/** What is known of a run after its last byte was read. */
interface SealedRun {
  /** The CRC-64 of the stored bytes. */
  readonly crc64: bigint
  /** The tags of the segments, one after another, if they were asked for. They are never stored, logged or sent by themselves. */
  readonly tags: Uint8Array
  /** See `commitmentOf`. */
  readonly commitment: string
}

/** Seals one stream of bytes. */
interface SealRun {
  /**
   * Returns the stored bytes, segment by segment. The last segment is returned only after the source has ended: nothing is
   * sealed after it.
   *
   * @throws CseError `ERR_CSE_CIPHER_REUSED` on a second call
   */
  transform(source: ObjectBody, watch?: RunWatch): AsyncGenerator<Uint8Array, void, undefined>
  /** Returns what was computed, after the last byte was read. */
  result(): SealedRun
}

/**
 * Starts to seal a run. The caller may wipe its copy of the key at once.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the content key has wrong lengths.
 */
export function startSealRun(options: SealRunOptions): SealRun {
  const { contentKey, context, firstSegment = 0, endsObject = true, engine = sealEngine } = options
  checkContentKey(contentKey)
  const started = engine.start(contentKey, context)
  // `transform` reports a rejection. If it is never called, there must be no unhandled one.
  if (started instanceof Promise) started.catch(() => {})
  let result: SealedRun | undefined

  async function* run(body: ObjectBody, watch: RunWatch): AsyncGenerator<Uint8Array, void, undefined> {
    const source = new RunSource(body, watch)
    const crc64 = createCrc64()
    const tags = options.tags ? new TagList() : undefined
    const gathered = new HeldSegment(firstSegment)
    let cipher: SegmentCipher | undefined
    let index = firstSegment
    const sealed = async (plaintext: Uint8Array, last: boolean): Promise<Uint8Array> => {
      const { header, seal } = cipher as SegmentCipher
      const segment = await seal(plaintext, index, last)
      tags?.add(segment)
      const stored = index === 0 ? concatBytes([header, segment]) : segment
      index += 1
      crc64.update(stored)
      return stored
    }
    try {
      cipher = await started
      for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
        for (const plaintext of gathered.push(chunk)) {
          const stored = await sealed(plaintext, false)
          watch.signal?.throwIfAborted()
          const { length } = stored
          yield stored
          watch.onReturned?.(length)
        }
      }
      if (!endsObject && !gathered.isFull) throw new TypeError('A part must fill its segments.')
      const stored = await sealed(gathered.rest(), endsObject)
      const { length } = stored
      watch.signal?.throwIfAborted()
      yield stored
      watch.onReturned?.(length)
      result = {
        crc64: crc64.value(),
        tags: tags?.bytes() ?? new Uint8Array(),
        commitment: commitmentOf(cipher.header),
      }
      watch.onEnd?.()
    } finally {
      cipher?.dispose()
      watch.onClose?.()
      await source.close()
    }
  }
  return {
    transform: startedOnce(run),
    result() {
      if (result === undefined) throw new TypeError('The run was not read to its end.')
      return result
    },
  }
}

/** Returns the digest of a part of a sealed object: the SHA-256 of the tags of its segments, 32 bytes. */
export function sealedPartDigest(tags: Uint8Array): Uint8Array {
  return digestEngine.sha256(tags)
}

/** Cuts plaintext into segments. It keeps what may be the last one, so never less than one byte of what it got. */
class HeldSegment {
  readonly #buffer = new Uint8Array(plaintextBefore(2) - plaintextBefore(1))
  #filled = 0
  #segment: number

  constructor(firstSegment: number) {
    this.#segment = firstSegment
  }

  /** Whether the kept bytes fill a segment. */
  get isFull(): boolean {
    return this.#filled === this.#sizeBytes
  }

  /** Takes the next chunk, and returns the segments that are certainly not the last one. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    let rest = chunk
    while (this.#filled + rest.length > this.#sizeBytes) {
      const sizeBytes = this.#sizeBytes
      const missing = rest.subarray(0, sizeBytes - this.#filled)
      rest = rest.subarray(missing.length)
      if (this.#filled === 0) yield missing
      else {
        this.#buffer.set(missing, this.#filled)
        yield this.#buffer.subarray(0, sizeBytes)
      }
      this.#filled = 0
      this.#segment += 1
    }
    // Copied at once, because the source may use its buffer again.
    this.#buffer.set(rest, this.#filled)
    this.#filled += rest.length
  }

  /** The kept bytes. */
  rest(): Uint8Array {
    return this.#buffer.subarray(0, this.#filled)
  }

  /** The number of bytes of plaintext in the current segment, if it is full. */
  get #sizeBytes(): number {
    return plaintextBefore(this.#segment + 1) - plaintextBefore(this.#segment)
  }
}
