import { keyMetadata } from '../key-metadata.ts'
import type { AnswerFields, OperationContext } from '../operation-context.ts'

/** `DescribeKey`, whatever the key's state. */
export function describeKey(context: OperationContext): AnswerFields {
  const key = context.key('KeyId')
  return { KeyMetadata: keyMetadata(key, context.store.arn(key.keyId)) }
}
