import { CseError } from './errors.ts'
import { OSS_HEADERS } from './headers.ts'
import type { UploadedPart } from './ports.ts'
import { MAX_PARTS } from './service-limits.ts'

/**
 * Checks that an upload id is a non-empty string.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkUploadId(uploadId: string, key: string): void {
  if (typeof uploadId !== 'string' || uploadId === '') throw invalidArgument('`uploadId` is missing.', key)
}

/**
 * Checks that a part number is one of the service.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkPartNumber(partNumber: number, key: string): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > MAX_PARTS) {
    throw invalidArgument(`A part number must be from 1 to ${MAX_PARTS}, not ${partNumber}.`, key)
  }
}

/**
 * Checks the parts that a completion lists.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkParts(parts: readonly UploadedPart[], key: string): void {
  const numbers = new Set<number>()
  for (const { partNumber, etag } of parts) {
    checkPartNumber(partNumber, key)
    if (numbers.has(partNumber)) throw invalidArgument(`Part ${partNumber} is listed twice.`, key)
    numbers.add(partNumber)
    // The ETag gets into the document without being escaped, because it may not contain a character of markup.
    if (typeof etag !== 'string' || !/^[^<>&\s]+$/.test(etag)) {
      throw invalidArgument(`The ETag of part ${partNumber} is invalid: ${JSON.stringify(etag)}.`, key)
    }
  }
  if (parts.length === 0) throw invalidArgument('A multipart upload needs at least one part.', key)
}

/**
 * The headers of what follows the beginning of an upload. ali-oss 6.23 lib/common/multipart.js removes those that only
 * the beginning may have.
 */
export function laterHeaders({
  [OSS_HEADERS.serverSideEncryption]: _encryption,
  [OSS_HEADERS.storageClass]: _class,
  ...headers
}: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return headers
}

/** The document of a completion, as in ali-oss 6.23 lib/common/multipart.js. The parts have passed `checkParts`. */
export function completionDocument(parts: readonly UploadedPart[]): string {
  const entries = parts
    .toSorted((a, b) => a.partNumber - b.partNumber)
    .map(
      ({ partNumber, etag }) =>
        `<Part>\n<PartNumber>${partNumber}</PartNumber>\n<ETag>${etag}</ETag>\n</Part>\n`,
    )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<CompleteMultipartUpload>\n${entries.join('')}</CompleteMultipartUpload>`
}

function invalidArgument(message: string, objectKey: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message, { objectKey })
}
