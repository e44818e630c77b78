/**
 * What the packages of this repository share. It may change in any release, so they depend on one exact version of the
 * bucket. Your own apps use the main entry.
 */

export { errorResponse, failure } from './http/error-response.ts'
export { checkInlineTypes } from './http/inline-types.ts'
export { type ListingStart, objectPages } from './policy/listed-pages.ts'
export { readableBody } from './read/readable-body.ts'
export { openStoredRead, type StoredReadOptions } from './requests/stored-read.ts'
