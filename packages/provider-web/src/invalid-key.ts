import { CseError } from '@oss-cse/crypto-core'

/** Says why a key cannot be used. The message never has the key or the error of WebCrypto. */
export function invalidKey(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_KEY', message)
}
