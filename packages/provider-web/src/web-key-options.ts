import type { MaterialDescription } from '@oss-cse/crypto-core'

/** Options of each provider whose key WebCrypto holds. */
export interface WebKeyOptions {
  /** The name of this key in the objects that it encrypts. Default: empty. */
  readonly materialDescription?: MaterialDescription | undefined
}
