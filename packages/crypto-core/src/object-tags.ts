import { CseError } from './errors.ts'
import type { ObjectTag } from './ports.ts'

/** The limits of the service, in characters: PutObjectTagging and EC 0010-00000217. */
const MAX_TAGS = 10
const MAX_KEY_LENGTH = 128
const MAX_VALUE_LENGTH = 256
/** Letters, digits, spaces and a few signs. Letters of any script pass: the service judges them. */
const ALLOWED = /^[\p{L}\p{N} +\-=._:/]*$/u

/**
 * Returns the value of the header `x-oss-tagging`, which gives a new object its tags.
 *
 * @returns keys and values URL-encoded. Empty without tags: leave the header out then
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for more than 10 tags, a key that is missing, too long or given twice, a
 * value that is too long, and characters that the service does not allow
 * @example
 * ```ts
 * taggingHeader([{ key: 'project', value: 'a b' }, { key: 'old', value: '' }]) // 'project=a%20b&old'
 * ```
 */
export function taggingHeader(tags: readonly ObjectTag[]): string {
  if (tags.length > MAX_TAGS) throw invalidTag(`an object can have ${MAX_TAGS} tags, not ${tags.length}`)
  const keys = new Set<string>()
  return tags
    .map(({ key, value }) => {
      checkText(key, MAX_KEY_LENGTH, 'key')
      checkText(value, MAX_VALUE_LENGTH, 'value')
      if (key === '') throw invalidTag('a key is empty')
      if (keys.has(key)) throw invalidTag(`the key ${JSON.stringify(key)} is given twice`)
      keys.add(key)
      return value === ''
        ? encodeURIComponent(key)
        : `${encodeURIComponent(key)}=${encodeURIComponent(value)}`
    })
    .join('&')
}

/** Reads the value of a header `x-oss-tagging`. */
export function parseTaggingHeader(header: string): readonly ObjectTag[] {
  return [...new URLSearchParams(header)].map(([key, value]) => ({ key, value }))
}

function checkText(text: string, maxLength: number, what: 'key' | 'value'): void {
  if (typeof text !== 'string') throw invalidTag(`a ${what} is not a string`)
  const length = [...text].length
  if (length > maxLength)
    throw invalidTag(`a ${what} has ${length} characters; at most ${maxLength} are allowed`)
  if (!ALLOWED.test(text)) {
    throw invalidTag(
      `the ${what} ${JSON.stringify(text)} may contain only letters, digits, spaces and the signs + - = . _ : /`,
    )
  }
}

function invalidTag(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid object tags: ${why}.`)
}
