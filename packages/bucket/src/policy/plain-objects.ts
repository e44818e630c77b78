import { CseError } from '@oss-cse/crypto-core'
import type { PlainObjectPolicy, ReadContext } from './bucket-context.ts'

/**
 * What a call does with a plain object.
 *
 * @param given - the option of the call. Absent: the policy of the bucket
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for `passthrough` where objects must be sealed
 */
export function plainObjectPolicy(
  context: ReadContext,
  key: string,
  given: PlainObjectPolicy | undefined,
): PlainObjectPolicy {
  const policy = given ?? context.onPlainObject
  if (policy === 'passthrough' && (context.accept === 'sealed' || context.keyring.hasSealedOnly)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      "onPlainObject: 'passthrough' is not possible where only sealed objects are read: with accept: 'sealed', or with a sealed-only key in the keyring.",
      { objectKey: key },
    )
  }
  return policy
}
