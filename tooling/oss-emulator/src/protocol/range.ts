import { invalidRange } from './error-catalog.ts'

/** A range of the bytes of an object. */
export interface ByteRange {
  readonly start: number
  readonly sizeBytes: number
}

/**
 * Reads a Range header as the service does. By default a range that exceeds the object is ignored, and the response
 * has the whole object. `x-oss-range-behavior: standard` follows RFC 9110. Of several ranges only the first counts.
 *
 * @returns `undefined` if the response has the whole object
 * @throws OssError `InvalidRange` for a standard range that contains no byte of the object
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
  // An empty object has no bytes for a suffix range either.
  if (sizeBytes === 0 || start >= sizeBytes) {
    throw invalidRange({
      details: { ActualObjectSize: String(sizeBytes), RangeRequested: header ?? '' },
      headers: { 'Content-Range': `bytes */${sizeBytes}` },
    })
  }
  const clippedStart = Math.max(0, start)
  return { start: clippedStart, sizeBytes: Math.min(end, sizeBytes - 1) - clippedStart + 1 }
}
