import { keyMetadata } from '../key-metadata.ts'
import type { OperationContext, ResponseFields } from '../operation-context.ts'

/** `DescribeKey`, for a key in any state. */
export function describeKey(context: OperationContext): ResponseFields {
  const key = context.key('KeyId')
  return { KeyMetadata: keyMetadata(key, context.store.arn(key.keyId)) }
}
