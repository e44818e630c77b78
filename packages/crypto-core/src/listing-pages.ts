import { compareCodePoints } from './code-point-order.ts'
import type {
  DeleteMarker,
  ObjectPage,
  ObjectVersion,
  PartPage,
  PendingUploadPage,
  VersionPage,
} from './ports.ts'
import { MAX_PAGE_ENTRIES, MAX_PARTS } from './service-limits.ts'

/** The position of a listing of objects. */
export interface ObjectPosition {
  /** The maximum number of entries of the page. */
  readonly maxKeys: number
  /** The last key or common prefix of the previous pages. Absent for the first page, and if it is unknown. */
  readonly after?: string | undefined
  /** The token with which the page was requested. */
  readonly continuationToken?: string | undefined
}

/** The requested page of uploads. */
export interface UploadPosition {
  readonly keyMarker?: string | undefined
  readonly uploadIdMarker?: string | undefined
}

/** The requested page of versions. */
export interface VersionPosition {
  /** The maximum number of entries of the page. */
  readonly maxKeys: number
  readonly keyMarker?: string | undefined
  readonly versionIdMarker?: string | undefined
}

/**
 * Tells what is wrong with a page of objects. A listing that followed such a page could be endless.
 *
 * @returns the end of a sentence about the page, or `undefined` for a valid page
 */
export function objectPageProblem(page: ObjectPage, position: ObjectPosition): string | undefined {
  const { objects, prefixes, nextContinuationToken: next } = page
  if (!Array.isArray(objects) || !Array.isArray(prefixes)) return 'it is not a list'
  const { maxKeys, after, continuationToken } = position
  if (objects.length + prefixes.length > maxKeys) return tooLong(objects.length + prefixes.length, maxKeys)
  for (const object of objects) {
    if (!isName(object?.key)) return 'an object has no key'
    if (!isCount(object.sizeBytes)) return 'an object has no valid size'
    if (!isDate(object.lastModified)) return 'an object has no valid date'
    if (typeof object.etag !== 'string') return 'an object has no ETag'
  }
  if (!prefixes.every(isName)) return 'a common prefix is empty'
  if (after !== undefined && !isBehind(page, after))
    return 'its keys do not come after those of the previous pages'
  if (next === undefined) return undefined
  return isName(next) && next !== continuationToken ? undefined : NO_PROGRESS
}

/**
 * Tells what is wrong with a page of an upload's parts.
 *
 * @param after - the number of the last part of the previous pages, or 0
 * @returns as `objectPageProblem`
 */
export function partPageProblem(
  { parts, nextMarker }: PartPage,
  { after, marker }: { readonly after: number; readonly marker?: string | undefined },
): string | undefined {
  if (!Array.isArray(parts)) return 'it is not a list'
  if (parts.length > MAX_PAGE_ENTRIES) return tooLong(parts.length, MAX_PAGE_ENTRIES)
  let last = after
  for (const part of parts) {
    const { partNumber } = part ?? {}
    if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > MAX_PARTS) {
      return `a part has no number from 1 to ${MAX_PARTS}`
    }
    if (partNumber <= last) return 'its parts are not sorted by number'
    last = partNumber
    if (!isName(part.etag)) return `part ${partNumber} has no ETag`
    if (part.sizeBytes !== undefined && !isCount(part.sizeBytes))
      return `part ${partNumber} has no valid size`
  }
  if (nextMarker === undefined) return undefined
  return isName(nextMarker) && nextMarker !== marker && last > after ? undefined : NO_PROGRESS
}

/**
 * Tells what is wrong with a page of unfinished uploads.
 *
 * @returns as `objectPageProblem`
 */
export function uploadPageProblem(page: PendingUploadPage, position: UploadPosition): string | undefined {
  const { uploads, nextKeyMarker, nextUploadIdMarker } = page
  if (!Array.isArray(uploads)) return 'it is not a list'
  if (uploads.length > MAX_PAGE_ENTRIES) return tooLong(uploads.length, MAX_PAGE_ENTRIES)
  for (const upload of uploads) {
    if (!isName(upload?.key)) return 'an upload has no key'
    if (!isName(upload.uploadId)) return 'an upload has no id'
    if (upload.initiated !== undefined && !isDate(upload.initiated)) return 'an upload has no valid date'
  }
  if (nextKeyMarker === undefined) return nextUploadIdMarker === undefined ? undefined : NO_PROGRESS
  const { keyMarker, uploadIdMarker = '' } = position
  if (!isName(nextKeyMarker)) return NO_PROGRESS
  const order = keyMarker === undefined ? 1 : compareCodePoints(nextKeyMarker, keyMarker)
  if (order > 0) return undefined
  const sameKey = order === 0 && isName(nextUploadIdMarker)
  return sameKey && compareCodePoints(nextUploadIdMarker, uploadIdMarker) > 0 ? undefined : NO_PROGRESS
}

/**
 * Tells what is wrong with a page of versions. Its order decides which version is the newest, so it is checked too.
 *
 * @returns as `objectPageProblem`
 */
export function versionPageProblem(page: VersionPage, position: VersionPosition): string | undefined {
  const { versions, nextKeyMarker, nextVersionIdMarker } = page
  const { maxKeys, keyMarker, versionIdMarker } = position
  if (!Array.isArray(versions)) return 'it is not a list'
  if (versions.length > maxKeys) return tooLong(versions.length, maxKeys)
  let last = keyMarker
  for (const [index, version] of versions.entries()) {
    const problem = versionProblem(version)
    if (problem !== undefined) return problem
    const order = last === undefined ? 1 : compareCodePoints(version.key, last)
    // Without a version marker, the page starts behind all versions of the key.
    const mayContinue = index > 0 || versionIdMarker !== undefined
    if (order < 0 || (order === 0 && !mayContinue)) return 'its keys are not in order'
    // The first may be: a newer version may have been deleted after the previous page.
    if (order === 0 && index > 0 && version.isLatest) return 'an older version is marked as the latest'
    last = version.key
  }
  if (nextKeyMarker === undefined) return nextVersionIdMarker === undefined ? undefined : NO_PROGRESS
  if (!isName(nextKeyMarker) || (last !== undefined && compareCodePoints(nextKeyMarker, last) < 0)) {
    return NO_PROGRESS
  }
  if (nextKeyMarker !== keyMarker) return undefined
  return isName(nextVersionIdMarker) && nextVersionIdMarker !== versionIdMarker ? undefined : NO_PROGRESS
}

function versionProblem(version: ObjectVersion | DeleteMarker): string | undefined {
  if (!isName(version?.key)) return 'a version has no key'
  if (!isName(version.versionId)) return 'a version has no id'
  if (typeof version.isLatest !== 'boolean') return 'a version does not say whether it is the latest'
  if (!isDate(version.lastModified)) return 'a version has no valid date'
  if (version.isDeleteMarker) return undefined
  if (!isCount(version.sizeBytes)) return 'a version has no valid size'
  return typeof version.etag === 'string' ? undefined : 'a version has no ETag'
}

/** Returns the greatest key or common prefix of a page, if one comes after `after`. */
export function lastListedName(
  { objects, prefixes }: ObjectPage,
  after: string | undefined,
): string | undefined {
  let last = after
  const consider = (name: string): void => {
    if (last === undefined || compareCodePoints(name, last) > 0) last = name
  }
  for (const { key } of objects) consider(key)
  prefixes.forEach(consider)
  return last
}

const NO_PROGRESS = 'it announces another page, but its marker is missing or does not advance'

/** A common prefix may occur twice, if the previous page ended among its keys. */
function isBehind({ objects, prefixes }: ObjectPage, after: string): boolean {
  return (
    objects.every(({ key }) => compareCodePoints(key, after) > 0) &&
    prefixes.every((prefix) => compareCodePoints(prefix, after) >= 0)
  )
}

function tooLong(count: number, limit: number): string {
  return `it has ${count} entries, more than the limit of ${limit}`
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isDate(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime())
}
