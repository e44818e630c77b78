import { equalBytes } from './bytes.ts'
import { ChunkSizer } from './chunks.ts'
import { cipherOf, type RunKey } from './derived-key.ts'
import { CseError } from './errors.ts'
import type { ObjectBody } from './ports.ts'
import { disposeOf, RunSource, type RunWatch, startedOnce } from './run-source.ts'
import type { SegmentCipher } from './seal-engine.ts'
import { SEALED_HEADER_BYTES, SEGMENT_BYTES, type Segment, type SegmentPlan } from './segment-plan.ts'
import { TagList } from './tag-list.ts'

/** Options of opening a run of segments. */
type OpenRunOptions = RunKey & {
  /** The segments of the object, from the length that the response stated. */
  readonly plan: SegmentPlan
  /** The first segment of the run. */
  readonly firstSegment: number
  /** The last segment of the run. */
  readonly lastSegment: number
  /** The number of bytes at the start of the run that are verified but not returned. Default 0. */
  readonly discardBytes?: number | undefined
  /** The most bytes to return. Default: all. */
  readonly mostBytes?: number | undefined
  /** Reads the stored bytes of a segment once more, after it was not authentic. Absent: it is not read again. */
  readonly readAgain?: ((segment: Segment) => Promise<Uint8Array>) | undefined
  /** Whether to keep the tags of the segments, for `tags`. Default false: they grow with the run. */
  readonly tags?: boolean | undefined
}

/** Opens one stream of stored bytes. */
interface OpenRun {
  /**
   * Returns plaintext, segment by segment: a byte leaves only after its whole segment was verified. The chunks of the
   * source are given back to it (`ByteChunks.recycle`).
   *
   * @param source - the stored bytes of exactly the run's segments
   * @throws CseError `ERR_CSE_CIPHER_REUSED` on a second call; while it is read `ERR_CSE_AUTHENTICATION_FAILED`
   */
  transform(source: ObjectBody, watch?: RunWatch): AsyncGenerator<Uint8Array, void, undefined>
  /** Returns the tags of the run's segments, one after another, after the last byte was read. See `sealedPartDigest`. */
  tags(): Uint8Array
}

/**
 * Starts to open a run. The caller may wipe its copy of the key at once.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the content key has wrong lengths; `RangeError` when there are no such
 * segments
 */
export function startOpenRun(options: OpenRunOptions): OpenRun {
  const { plan, firstSegment, lastSegment, readAgain } = options
  const started = cipherOf(options)
  const { first, end } = segmentsOf(plan, { firstSegment, lastSegment }, started)
  const { discardBytes = 0, mostBytes = plan.sizeBytes } = options
  // `transform` reports a rejection. If it is never called, there must be no unhandled one.
  if (started instanceof Promise) started.catch(() => {})
  const tags = options.tags ? new TagList() : undefined

  async function* run(body: ObjectBody, watch: RunWatch): AsyncGenerator<Uint8Array, void, undefined> {
    const source = new RunSource(body, watch)
    const sizer = new ChunkSizer({ minBytes: SEGMENT_BYTES, maxBytes: SEGMENT_BYTES, reuse: true })
    let cipher: SegmentCipher | undefined
    let index = first.index
    let discard = discardBytes
    let left = mostBytes
    /** The wanted bytes of the next segment. */
    const opened = async (stored: Uint8Array): Promise<Uint8Array> => {
      if (index > end.index) throw notAuthentic(end, 'more bytes arrived than the object has')
      const segment = plan.segment(index)
      index += 1
      const running = cipher as SegmentCipher
      let sealed = stored
      let plaintext = await openSegment(running, segment, sealed)
      if (plaintext === undefined && readAgain !== undefined) {
        sealed = await readAgain(segment)
        plaintext = await openSegment(running, segment, sealed)
      }
      if (plaintext === undefined) throw notAuthentic(segment)
      tags?.add(sealed)
      const wanted = plaintext.subarray(discard, discard + left)
      discard = Math.max(0, discard - plaintext.length)
      left -= wanted.length
      return wanted
    }
    try {
      cipher = await started
      for (let ended = false; !ended; ) {
        const chunk = await source.next()
        ended = chunk === undefined
        for (const stored of chunk === undefined ? sizer.end() : sizer.push(chunk)) {
          const bytes = await opened(stored)
          const { length } = bytes
          watch.signal?.throwIfAborted()
          if (length === 0) continue
          yield bytes
          watch.onReturned?.(length)
        }
        if (chunk !== undefined) source.recycle(chunk)
      }
      if (index <= end.index) throw notAuthentic(plan.segment(index), 'its bytes did not arrive')
      watch.onEnd?.()
    } finally {
      cipher?.dispose()
      watch.onClose?.()
      await source.close()
    }
  }
  return {
    transform: startedOnce(run, () => disposeOf(started)),
    tags() {
      if (tags === undefined) throw new TypeError('The tags were not asked for.')
      return tags.bytes()
    },
  }
}

function segmentsOf(
  plan: SegmentPlan,
  { firstSegment, lastSegment }: { readonly firstSegment: number; readonly lastSegment: number },
  started: SegmentCipher | Promise<SegmentCipher>,
): { readonly first: Segment; readonly end: Segment } {
  try {
    return { first: plan.segment(firstSegment), end: plan.segment(lastSegment) }
  } catch (error) {
    disposeOf(started)
    throw error
  }
}

/** Returns the verified plaintext of a segment, or `undefined`. */
async function openSegment(
  cipher: SegmentCipher,
  { index, last, storedBytes }: Segment,
  stored: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (stored.length !== storedBytes) return undefined
  if (index > 0) return cipher.open(stored, index, last)
  if (!equalBytes(stored.subarray(0, SEALED_HEADER_BYTES), cipher.header)) return undefined
  return cipher.open(stored.subarray(SEALED_HEADER_BYTES), index, last)
}

function notAuthentic({ plaintextOffset, plaintextBytes }: Segment, why?: string): CseError {
  const reason = why === undefined ? '' : `: ${why}`
  const start = plaintextOffset
  const end = plaintextOffset + plaintextBytes - 1
  // Only the segment of an empty object has no plaintext.
  const [what, byteRange] =
    plaintextBytes === 0 ? ['The empty content is'] : [`The bytes ${start}-${end} are`, { start, end }]
  return new CseError(
    'ERR_CSE_AUTHENTICATION_FAILED',
    `${what} not what was sealed under this key and context${reason}.`,
    { byteRange },
  )
}
