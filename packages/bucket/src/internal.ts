/**
 * What the packages of this repository share. It may change in any release, so they depend on one exact version of the
 * bucket. Your own apps use the main entry.
 */

export { type ListingStart, objectPages } from './policy/listed-pages.ts'
export { openStoredRead, type StoredReadOptions } from './requests/stored-read.ts'
