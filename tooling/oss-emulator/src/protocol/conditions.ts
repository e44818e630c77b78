import { preconditionFailed } from './error-catalog.ts'
import type { OssRequest } from './oss-request.ts'

/** The four conditional headers of a read or of a copy source. */
export interface Conditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly ifModifiedSince: string | undefined
  readonly ifUnmodifiedSince: string | undefined
}

/**
 * The conditional headers of a request.
 *
 * @param prefix - `x-oss-copy-source-` for the source of a copy
 */
export function conditionsOf(request: OssRequest, prefix = ''): Conditions {
  return {
    ifMatch: request.header(`${prefix}if-match`),
    ifNoneMatch: request.header(`${prefix}if-none-match`),
    ifModifiedSince: request.header(`${prefix}if-modified-since`),
    ifUnmodifiedSince: request.header(`${prefix}if-unmodified-since`),
  }
}

/**
 * Evaluates conditions against an object. An invalid date is ignored. A date is also ignored if the corresponding ETag
 * condition is present: RFC 9110, 13.2.2. The documentation of OSS does not say which of the two counts.
 *
 * @returns `not-modified` if the response is a 304
 * @throws OssError `PreconditionFailed`
 */
export function judgeConditions(
  conditions: Conditions,
  object: { readonly etag: string; readonly lastModified: string },
): 'proceed' | 'not-modified' {
  const { ifMatch, ifNoneMatch } = conditions
  const modified = Math.floor(Date.parse(object.lastModified) / 1000) * 1000
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, object.etag)) throw preconditionFailed('If-Match')
  } else {
    const unmodifiedSince = time(conditions.ifUnmodifiedSince)
    if (unmodifiedSince !== undefined && modified > unmodifiedSince)
      throw preconditionFailed('If-Unmodified-Since')
  }
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, object.etag) ? 'not-modified' : 'proceed'
  const modifiedSince = time(conditions.ifModifiedSince)
  return modifiedSince !== undefined && modified <= modifiedSince ? 'not-modified' : 'proceed'
}

function matches(list: string, etag: string): boolean {
  return list
    .split(',')
    .map((item) => item.trim().replace(/^"|"$/g, ''))
    .some((item) => item === '*' || item.toUpperCase() === etag.toUpperCase())
}

function time(text: string | undefined): number | undefined {
  const parsed = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(parsed) ? undefined : parsed
}
