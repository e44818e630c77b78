import { OssError } from './oss-error.ts'

/** The bytes that an answer carries. */
export interface ByteRange {
  readonly start: number
  readonly sizeBytes: number
}

/**
 * Reads a Range header as the service does. By default a range that leaves the object is ignored and the whole
 * object is answered; `x-oss-range-behavior: standard` follows RFC 9110. Of several ranges only the first counts.
 *
 * @returns `undefined` when the whole object is answered
 * @throws OssError `InvalidRange` for a standard range without a byte of the object
 */
export function parseRange(
  header: string | undefined,
  behavior: string | undefined,
  sizeBytes: number,
): ByteRange | undefined {
  const match = /^bytes=\s*(\d*)-(\d*)\s*(?:,|$)/.exec(header ?? '')
  if (match === null) return undefined
  const [, first, last] = match as unknown as [string, string, string]
  if (first === '' && last === '') return undefined
  const standard = behavior === 'standard'
  const start = first === '' ? sizeBytes - Number(last) : Number(first)
  const end = first === '' || last === '' ? sizeBytes - 1 : Number(last)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  const inside = start >= 0 && start < sizeBytes && end < sizeBytes
  if (inside) return { start, sizeBytes: end - start + 1 }
  if (!standard) return undefined
  // An empty object has no byte for a suffix either.
  if (sizeBytes === 0 || start >= sizeBytes) {
    throw new OssError(416, 'InvalidRange', 'The requested range cannot be satisfied', {
      details: { ActualObjectSize: String(sizeBytes), RangeRequested: header ?? '' },
      headers: { 'Content-Range': `bytes */${sizeBytes}` },
    })
  }
  const clippedStart = Math.max(0, start)
  return { start: clippedStart, sizeBytes: Math.min(end, sizeBytes - 1) - clippedStart + 1 }
}
