import {
  CseError,
  checkedRetryOptions,
  Keyring,
  type MasterKeyProvider,
  type RetryOptions,
} from '@oss-cse/crypto-core'
import type { PlainObjectPolicy, ReadContext } from './bucket-context.ts'
import type { Logger } from './retry.ts'
import type { AcceptedFormats } from './sealed-policies.ts'

/** Options of reading objects. Pass either `keyring` or `provider`. */
export interface ReadOptions {
  /** The master keys: one that encrypts, and any number that decrypt. */
  readonly keyring?: Keyring | undefined
  /** Short for a keyring with one key. */
  readonly provider?: MasterKeyProvider | undefined
  /**
   * What to do with an object that has no envelope. Default `reject`: otherwise anyone who can remove the metadata
   * could replace the content and have it returned as if it had been decrypted.
   */
  readonly onPlainObject?: PlainObjectPolicy | undefined
  /**
   * Which objects the bucket reads. Default `any`: sealed objects, and those of the official SDKs, whose content can be
   * altered unnoticed. `sealed`: no other object, so that every byte that is read is one that was sealed.
   */
  readonly accept?: AcceptedFormats | undefined
  /**
   * The context of each sealed object, by its key: see `GetOptions`. With the key in it, an object that was put in the place
   * of another one is refused, and a copy under another key cannot be read. Default: none.
   */
  readonly context?: ((key: string) => string) | undefined
  readonly retry?: RetryOptions | undefined
  readonly logger?: Logger | undefined
}

/**
 * Checks the options of reading objects. Changes nothing: a bucket that is built has its keyring allow plain objects last.
 *
 * @param name - of the class, for the messages
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the options contradict one another
 */
export function checkedReadContext(name: string, options: ReadOptions): ReadContext {
  const { keyring, provider, onPlainObject = 'reject', retry, logger, accept = 'any', context } = options
  if ((keyring === undefined) === (provider === undefined)) {
    throw invalid(`${name}: pass either keyring or provider, not both`)
  }
  if (onPlainObject !== 'reject' && onPlainObject !== 'passthrough') {
    throw invalid(
      `${name}: onPlainObject must be 'reject' or 'passthrough', not ${JSON.stringify(onPlainObject)}`,
    )
  }
  if (accept !== 'any' && accept !== 'sealed') {
    throw invalid(`${name}: accept must be 'any' or 'sealed', not ${JSON.stringify(accept)}`)
  }
  if (context !== undefined && typeof context !== 'function') {
    throw invalid(`${name}: context must be a function of the key`)
  }
  if (onPlainObject === 'passthrough' && accept === 'sealed') {
    throw invalid(`${name}: accept: 'sealed' reads no plain object, so onPlainObject must be 'reject'`)
  }
  return {
    keyring: keyring ?? new Keyring({ encrypting: provider as MasterKeyProvider }),
    onPlainObject,
    accept,
    sealedContext: context,
    retry: checkedRetryOptions(retry),
    logger,
    fileWorkers: undefined,
  }
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `${why}.`)
}
