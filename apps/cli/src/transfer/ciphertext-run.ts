import { type ByteRange, CseError, type Envelope } from '@oss-cse/crypto-core'
import { usageError } from '../base/cli-error.ts'
import type { LocalInput } from './local-input.ts'

/** The ciphertext of the wanted bytes, from a file or a stream. */
export interface CiphertextRun {
  /** The offset of the first wanted byte. */
  readonly start: number
  /** How many bytes are wanted, if that is known before they are read. */
  readonly sizeBytes: number | undefined
  /** How many bytes have been delivered so far. */
  readonly deliveredBytes: number
  /** The length of the whole ciphertext. Known at the latest when all of it has been read. */
  readonly totalBytes: number | undefined
  /** True when the whole length has been compared with the one that the envelope records. */
  readonly lengthVerified: boolean
  /** Reads the wanted bytes. Call it once. */
  chunks(): AsyncIterable<Uint8Array>
}

/**
 * Returns the length of the content in bytes that an envelope records, if any.
 *
 * @throws CseError `ERR_CSE_ENVELOPE_DAMAGED` when it records two different lengths
 */
export function recordedLength(envelope: Envelope): number | undefined {
  const single = envelope.unencryptedContentLength
  const multipart = envelope.version === 2 ? envelope.dataSizeBytes : undefined
  if (single !== undefined && multipart !== undefined && single !== multipart) {
    throw new CseError('ERR_CSE_ENVELOPE_DAMAGED', 'The envelope records two different lengths.')
  }
  return single ?? multipart
}

/**
 * Plans how to read a range: only the wanted bytes of a file, but a stream to its end.
 *
 * @param recorded - the length that the envelope records
 * @throws CseError `ERR_CSE_INTEGRITY` when a file has another length; `ERR_CSE_RANGE_NOT_SATISFIABLE`;
 * CliError of kind `usage` for the last bytes of a stream of unknown length
 */
export function ciphertextRun(
  input: LocalInput,
  range: ByteRange | undefined,
  recorded: number | undefined,
): CiphertextRun {
  const { sizeBytes } = input
  if (sizeBytes !== undefined && recorded !== undefined && sizeBytes !== recorded) throw wrongLength()
  const start = firstByte(range, sizeBytes ?? recorded)
  const end = range !== undefined && 'start' in range ? range.end : undefined
  return sizeBytes === undefined
    ? new StreamRun(input, range !== undefined, start, end, recorded)
    : new FileRun(
        input,
        start,
        Math.min(end ?? sizeBytes - 1, sizeBytes - 1) - start + 1,
        sizeBytes,
        recorded,
      )
}

class FileRun implements CiphertextRun {
  readonly start: number
  readonly sizeBytes: number
  readonly totalBytes: number
  readonly lengthVerified: boolean
  deliveredBytes = 0
  readonly #input: LocalInput

  constructor(input: LocalInput, start: number, sizeBytes: number, totalBytes: number, recorded?: number) {
    this.#input = input
    this.start = start
    this.sizeBytes = sizeBytes
    this.totalBytes = totalBytes
    this.lengthVerified = recorded !== undefined
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#input.open(this)) {
      this.deliveredBytes += chunk.length
      yield chunk
    }
    if (this.deliveredBytes !== this.sizeBytes) {
      throw new CseError(
        'ERR_CSE_INTEGRITY',
        'The file became shorter while it was read. Run the same command again.',
      )
    }
  }
}

class StreamRun implements CiphertextRun {
  readonly start: number
  readonly sizeBytes: number | undefined
  totalBytes: number | undefined
  lengthVerified = false
  deliveredBytes = 0
  readonly #input: LocalInput
  readonly #isRange: boolean
  readonly #recorded: number | undefined
  readonly #stop: number

  constructor(
    input: LocalInput,
    isRange: boolean,
    start: number,
    end: number | undefined,
    recorded: number | undefined,
  ) {
    this.#input = input
    this.#isRange = isRange
    this.start = start
    this.#recorded = recorded
    this.#stop = end === undefined ? Number.POSITIVE_INFINITY : end + 1
    const known = Math.min(this.#stop, recorded ?? Number.POSITIVE_INFINITY)
    this.sizeBytes = Number.isFinite(known) ? known - start : undefined
  }

  /** Reads to the end of the stream, even after the range, to verify the length. */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    let offset = 0
    for await (const chunk of this.#input.open()) {
      const wanted = chunk.subarray(Math.max(0, this.start - offset), Math.max(0, this.#stop - offset))
      offset += chunk.length
      if (this.#recorded !== undefined && offset > this.#recorded) throw wrongLength()
      this.deliveredBytes += wanted.length
      if (wanted.length > 0) yield wanted
    }
    if (this.#recorded !== undefined && offset !== this.#recorded) throw wrongLength()
    if (this.#isRange && offset <= this.start) throw behindTheEnd(this.start, offset)
    this.totalBytes = offset
    this.lengthVerified = this.#recorded !== undefined
  }
}

function firstByte(range: ByteRange | undefined, total: number | undefined): number {
  if (range === undefined) return 0
  if ('start' in range) {
    if (total !== undefined && range.start >= total) throw behindTheEnd(range.start, total)
    return range.start
  }
  if (total === undefined) {
    throw usageError(
      'The range needs the length of the input, and the length of this stream is unknown. Name a file, or give START-END.',
    )
  }
  if (total === 0) throw behindTheEnd(0, 0)
  return Math.max(0, total - range.suffixLength)
}

function behindTheEnd(start: number, total: number): CseError {
  return new CseError(
    'ERR_CSE_RANGE_NOT_SATISFIABLE',
    `The range cannot be satisfied. It starts at ${start}, but the content has ${total} bytes.`,
  )
}

function wrongLength(): CseError {
  return new CseError(
    'ERR_CSE_INTEGRITY',
    'The ciphertext does not have the length that its envelope records.',
  )
}
