import { createCrc64 } from '@oss-cse/crc64'
import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import type { RunKey } from './derived-key.ts'
import type { ObjectBody } from './ports.ts'
import { disposeOf, RunSource, type RunWatch, startedOnce } from './run-source.ts'
import { plaintextBefore } from './segment-plan.ts'
import { type SegmentSealer, startSealer } from './segment-sealer.ts'

/** Options of sealing a run: a whole object, or one part of it. */
type SealRunOptions = RunKey & {
  /** The first segment of the run. Default 0. */
  readonly firstSegment?: number | undefined
  /** Whether the run ends the object. Default true. False: the plaintext must fill whole segments. */
  readonly endsObject?: boolean | undefined
  /** Whether to keep the tags of the segments. Default false: they grow with the run. */
  readonly tags?: boolean | undefined
}

/** What is known of a run after its last byte was read. */
interface SealResult {
  /** The CRC-64 of the stored bytes. */
  readonly crc64: bigint
  /** See `SegmentSealer.tags`. */
  readonly tags: Uint8Array
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
  result(): SealResult
}

/**
 * Starts to seal a run. The caller may wipe its copy of the key at once.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the content key has wrong lengths.
 */
export function startSealRun(options: SealRunOptions): SealRun {
  const { firstSegment = 0, endsObject = true, tags = false } = options
  const started = startSealer(options, { firstSegment, endsObject, tags })
  // `transform` reports a rejection. If it is never called, there must be no unhandled one.
  if (started instanceof Promise) started.catch(() => {})
  let result: SealResult | undefined

  async function* run(body: ObjectBody, watch: RunWatch): AsyncGenerator<Uint8Array, void, undefined> {
    const source = new RunSource(body, watch)
    const crc64 = createCrc64()
    const gathered = new HeldSegment(firstSegment)
    let sealer: SegmentSealer | undefined
    try {
      sealer = await started
      for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
        for (const plaintext of gathered.push(chunk)) {
          const stored = await sealer.seal(plaintext, false)
          crc64.update(stored)
          watch.signal?.throwIfAborted()
          const { length } = stored
          yield stored
          watch.onReturned?.(length)
        }
      }
      const stored = await sealer.seal(gathered.rest(), true)
      crc64.update(stored)
      const { length } = stored
      watch.signal?.throwIfAborted()
      yield stored
      watch.onReturned?.(length)
      result = { crc64: crc64.value(), tags: sealer.tags() }
      watch.onEnd?.()
    } finally {
      sealer?.dispose()
      watch.onClose?.()
      await source.close()
    }
  }
  return {
    transform: startedOnce(run, () => disposeOf(started)),
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
