import { CseError } from '@oss-cse/crypto-core'

/** @throws CseError `ERR_CSE_INVALID_ARGUMENT` for what is not the key of an object */
export function checkKey(key: string): void {
  if (typeof key === 'string' && key !== '') return
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'An object key must be a non-empty string.')
}
