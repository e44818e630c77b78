import { type ByteRange, CseError, type EnvelopeV2, plaintextLength } from '@oss-cse/crypto-core'
import { checkSealedLengths, notSatisfiable, SegmentPlan, sliceSealed } from '@oss-cse/crypto-core/internal'
import { usageError } from '../base/cli-error.ts'
import type { SealedBytes } from '../cipher/decrypting-run.ts'
import type { LocalInput } from './local-input.ts'

/** The lengths that an envelope records. */
type RecordedLengths = Pick<EnvelopeV2, 'unencryptedContentLength' | 'dataSizeBytes'>

/** The segments of a sealed file or stream that hold the wanted bytes. */
export interface SealedRun extends SealedBytes {
  /** The offset of the first wanted byte. */
  readonly start: number
  /** The number of wanted bytes. */
  readonly sizeBytes: number
  /** The length of the whole plaintext. It is a claim until the last segment was verified. */
  readonly totalBytes: number
  /** Throws for a range behind the end. Call it after the segments were verified, because only they prove where the end is. */
  checkSatisfied(): void
}

/**
 * Plans how to read a range: the segments of a file that hold it, but a stream to its end.
 *
 * @throws CseError `ERR_CSE_AUTHENTICATION_FAILED` for a length that no sealed object has, or that the envelope does not
 * record; CliError of kind `usage` for a stream whose length nothing tells
 */
export function sealedRun(
  input: LocalInput,
  range: ByteRange | undefined,
  recorded: RecordedLengths,
): SealedRun {
  const { sizeBytes: storedBytes } = input
  const plan = storedBytes === undefined ? recordedPlan(input, recorded) : storedPlan(storedBytes)
  checkSealedLengths(plan, recorded)
  const headers = { 'content-length': String(plan.storedBytes) }
  const { start, sizeBytes, stored, ...slice } = sliceSealed(range, { status: 200, headers })
  const whole = storedBytes === undefined
  return {
    plan,
    start,
    sizeBytes,
    totalBytes: plan.sizeBytes,
    firstSegment: whole ? 0 : slice.firstSegment,
    lastSegment: whole ? plan.segmentCount - 1 : slice.lastSegment,
    discardBytes: whole ? start : slice.discardBytes,
    mostBytes: sizeBytes,
    chunks: () =>
      whole ? input.open() : input.open({ start: stored.start, sizeBytes: stored.end - stored.start + 1 }),
    checkSatisfied() {
      if (range === undefined || sizeBytes > 0) return
      throw notSatisfiable(`it starts at ${start}, but the content has ${plan.sizeBytes} bytes`)
    },
  }
}

function storedPlan(storedBytes: number): SegmentPlan {
  return new SegmentPlan(plaintextLength(storedBytes))
}

/** The segments of a stream: which of them is the last one follows from the recorded length alone. */
function recordedPlan(
  { path }: LocalInput,
  { unencryptedContentLength, dataSizeBytes }: RecordedLengths,
): SegmentPlan {
  if (dataSizeBytes !== undefined) return storedPlan(dataSizeBytes)
  if (unencryptedContentLength !== undefined) return planOfRecorded(unencryptedContentLength)
  // An empty file has no length either, see `LocalInput`.
  if (path !== undefined) return storedPlan(0)
  throw usageError(
    'The envelope does not record the length of the sealed content, and the length of this stream is unknown. Name a file.',
  )
}

function planOfRecorded(sizeBytes: number): SegmentPlan {
  try {
    return new SegmentPlan(sizeBytes)
  } catch {
    throw new CseError(
      'ERR_CSE_ENVELOPE_DAMAGED',
      `The envelope records a length that no sealed object has: ${sizeBytes} bytes.`,
    )
  }
}
