import { CseError } from '@oss-cse/crypto-core'

/**
 * Checks an option that is a number of things.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` unless it is a whole number of at least 1
 */
export function checkedCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `${name} must be a whole number of at least 1, not ${value}.`,
  )
}
