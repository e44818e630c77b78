import { BLOCK_BYTES } from './ctr-counter.ts'
import { CseError } from './errors.ts'
import type { HeaderMap } from './ports.ts'

/**
 * A range of an object's bytes: from `start` to `end` inclusive (default: to the end), or the last `suffixLength`
 * bytes.
 */
export type ByteRange = { readonly start: number; readonly end?: number } | { readonly suffixLength: number }

/** A range of an object's bytes: offsets from `start` to `end`, both inclusive. */
export interface ClosedRange {
  readonly start: number
  readonly end: number
}

/** The position of the requested bytes in a response. */
export interface RangeSlice {
  /** The offset in the object of the response's first byte. The keystream starts there. */
  readonly responseStart: number
  /** The number of bytes of the response to drop before the first requested one. */
  readonly discardBytes: number
  /** The number of bytes that the caller receives. */
  readonly sizeBytes: number
  /** The offset of the first requested byte. */
  readonly start: number
  /** The length of the response in bytes. */
  readonly responseBytes: number
  /** The length of the whole object in bytes. */
  readonly totalBytes: number
  /** True if the response holds the whole object, so that its checksum can be verified. */
  readonly responseIsWhole: boolean
}

const RANGE_TEXT = /^(?:bytes=)?([0-9]+)?-([0-9]+)?$/
const CONTENT_RANGE = /^bytes ([0-9]{1,16})-([0-9]{1,16})\/([0-9]{1,16})$/
/** An empty range in any notation: `0--1` and `*` have been seen. */
const EMPTY_CONTENT_RANGE = /^bytes [0-9*-]+\/0+$/
/** Beyond the end of any object, and still exact after one more block is added. */
export const MAX_OFFSET: number = Number.MAX_SAFE_INTEGER - BLOCK_BYTES

/**
 * Parses `0-99`, `100-` and `-100`, each also after `bytes=`. The numbers may have any length.
 *
 * @throws CseError as `checkRange`.
 */
export function parseRange(text: string): ByteRange {
  const match = RANGE_TEXT.exec(text.trim())
  const [, first, last] = match ?? []
  if (first === undefined && last === undefined) {
    throw invalid(`${JSON.stringify(text)} is not START-END, START- or -LENGTH`)
  }
  if (first === undefined) return checkRange({ suffixLength: Number(last) })
  return checkRange(
    last === undefined ? { start: Number(first) } : { start: Number(first), end: Number(last) },
  )
}

/**
 * Checks and copies a caller's range. An end or a suffix that is larger than any object is cut, because ranges often
 * come from another client's request.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for numbers that are not a range; `ERR_CSE_RANGE_NOT_SATISFIABLE` for the
 * last 0 bytes, and for a start beyond the end of any object.
 */
export function checkRange(range: ByteRange): ByteRange {
  const { start, end, suffixLength } = range as { start?: number; end?: number; suffixLength?: number }
  if (suffixLength !== undefined) {
    if (start !== undefined || end !== undefined)
      throw invalid('suffixLength cannot be combined with start or end')
    if (!isOffset(suffixLength)) throw invalid(`suffixLength ${suffixLength} is not a length in bytes`)
    if (suffixLength === 0) throw notSatisfiable('a suffix of 0 bytes is not a range')
    return { suffixLength: Math.min(suffixLength, MAX_OFFSET) }
  }
  if (start === undefined || !isOffset(start)) throw invalid(`start ${start} is not an offset in bytes`)
  if (end !== undefined) {
    if (!isOffset(end)) throw invalid(`end ${end} is not an offset in bytes`)
    if (end < start) throw invalid(`it ends (${end}) before it starts (${start})`)
  }
  if (start > MAX_OFFSET) throw notSatisfiable(`its start, ${start}, is beyond the end of any object`)
  return end === undefined ? { start } : { start, end: Math.min(end, MAX_OFFSET) }
}

/**
 * Returns the Range header to send. The start is aligned down to a block, and the end stays. A suffix is extended until
 * it reaches a block boundary.
 */
export function rangeHeader(range: ByteRange): string {
  if ('suffixLength' in range) return `bytes=-${range.suffixLength + BLOCK_BYTES - 1}`
  return `bytes=${range.start - (range.start % BLOCK_BYTES)}-${range.end ?? ''}`
}

/**
 * Computes the slice from the response headers, never from the request.
 *
 * @param range - the requested range; `undefined` for the whole object
 * @param response - the status, and the headers in lower case
 * @throws CseError `ERR_CSE_RANGE_NOT_SATISFIABLE` when the range starts beyond the object's end; `ERR_CSE_INTEGRITY`
 * when the response does not hold the requested bytes.
 */
export function sliceResponse(
  range: ByteRange | undefined,
  response: { readonly status: number; readonly headers: HeaderMap },
): RangeSlice {
  const { first, last, total } = responseExtent(response)
  if (range === undefined && (first !== 0 || last !== total - 1))
    throw wrongResponse('a part of the object instead of the whole')
  const { start, end } = closedRange(range, total)
  if (range !== undefined && start >= total)
    throw notSatisfiable(`it starts at ${start}, but the object has ${total} bytes`)
  if (first > start || last < end)
    throw wrongResponse(`the bytes ${first}-${last} instead of ${start}-${end}`)
  return {
    responseStart: first,
    discardBytes: start - first,
    sizeBytes: end - start + 1,
    start,
    responseBytes: last - first + 1,
    totalBytes: total,
    responseIsWhole: first === 0 && last === total - 1,
  }
}

/** The offsets of a range in an object of `totalBytes`. The range is empty if `end` is before `start`. */
export function closedRange(range: ByteRange | undefined, totalBytes: number): ClosedRange {
  const last = totalBytes - 1
  if (range === undefined) return { start: 0, end: last }
  if ('suffixLength' in range) return { start: Math.max(0, totalBytes - range.suffixLength), end: last }
  return { start: range.start, end: Math.min(range.end ?? last, last) }
}

/**
 * The length of the whole object that a response states.
 *
 * @throws CseError `ERR_CSE_INTEGRITY` when it states none
 */
export function statedBytes(response: { readonly status: number; readonly headers: HeaderMap }): number {
  return responseExtent(response).total
}

/** Returns which stored bytes of the object a response holds. `last` is -1 for an empty object. */
export function responseExtent(response: { readonly status: number; readonly headers: HeaderMap }): {
  first: number
  last: number
  total: number
} {
  const length = contentLength(response.headers)
  if (response.status !== 206) {
    if (length === undefined) throw wrongResponse('an object without its length')
    return { first: 0, last: length - 1, total: length }
  }
  const contentRange = response.headers['content-range'] ?? ''
  if (EMPTY_CONTENT_RANGE.test(contentRange) && !length) return { first: 0, last: -1, total: 0 }
  const match = CONTENT_RANGE.exec(contentRange) ?? []
  const [, first, last, total] = match.map(Number)
  if (first === undefined || last === undefined || total === undefined || first > last || last >= total) {
    throw wrongResponse('a range without a valid Content-Range')
  }
  if (length !== undefined && length !== last - first + 1) {
    throw wrongResponse('a range whose length contradicts its Content-Range')
  }
  return { first, last, total }
}

function contentLength(headers: HeaderMap): number | undefined {
  const text = headers['content-length']
  if (text === undefined) return undefined
  const length = Number(text)
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(length))
    throw wrongResponse('a length that is not a number')
  return length
}

/** Also accepts a number that is too large to be exact, or the result of a text with too many digits. */
function isOffset(value: number): boolean {
  return (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) && value >= 0
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid range: ${why}.`)
}

/** The error of a range that is not in the object. */
export function notSatisfiable(why: string): CseError {
  return new CseError('ERR_CSE_RANGE_NOT_SATISFIABLE', `The range cannot be satisfied: ${why}.`)
}

/** The error of a response that does not hold what was requested. */
export function wrongResponse(what: string): CseError {
  return new CseError('ERR_CSE_INTEGRITY', `The server returned ${what}.`)
}
