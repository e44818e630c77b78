/**
 * Which objects a bucket reads. `sealed` refuses every other one by its headers, before its key is unwrapped. Only then is
 * content that somebody has altered always noticed: anyone who may write to the bucket can otherwise declare an object to be
 * AES-CTR.
 */
export type AcceptedFormats = 'any' | 'sealed'

/** Options of reading sealed objects. */
export interface ReadPolicies {
  /**
   * Refuses an object that is not sealed, or whose commitment is another one. With the commitment that a put has returned,
   * it notices an older version of the object and one that replaced it.
   */
  readonly expectCommitment?: string | undefined
  /**
   * The context that the object was sealed under, at most 1,024 bytes of UTF-8. Default: that of the bucket. Another one is
   * `ERR_CSE_AUTHENTICATION_FAILED`. Objects that are not sealed have none.
   */
  readonly context?: string | undefined
}
