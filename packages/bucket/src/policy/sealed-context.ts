import { CseError } from '@oss-cse/crypto-core'
import { encodeContext } from '@oss-cse/crypto-core/internal'
import type { BucketContext, ReadContext } from './bucket-context.ts'

/**
 * The context that an object must have been sealed under.
 *
 * @param given - the option of the call. Absent: the context of the bucket
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function contextToOpen(
  { sealedContext }: ReadContext,
  key: string,
  given: string | undefined,
): Uint8Array {
  return encodeContext(given ?? sealedContext?.(key) ?? '')
}

/**
 * The context of a new object.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for an invalid one, and for one that the format does not bind
 */
export function contextToSeal(context: BucketContext, key: string, given: string | undefined): Uint8Array {
  if (context.format === 'sealed' || given === undefined) return contextToOpen(context, key, given)
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    "context is for sealed objects, and the format of new objects is 'aes-ctr'. Set format: 'sealed' in the constructor.",
    { objectKey: key },
  )
}
