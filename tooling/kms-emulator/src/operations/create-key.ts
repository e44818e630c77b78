import { invalidParameter } from '../error-catalog.ts'
import { keyMetadata } from '../key-metadata.ts'
import type { OperationContext, ResponseFields } from '../operation-context.ts'

const MAX_DESCRIPTION_CHARACTERS = 8192

/** `CreateKey`. Only symmetric keys with material of the service are supported. */
export function createKey(context: OperationContext): ResponseFields {
  context.choice('KeySpec', ['Aliyun_AES_256'])
  context.choice('KeyUsage', ['ENCRYPT/DECRYPT'])
  context.choice('Origin', ['Aliyun_KMS'])
  const protectionLevel = context.choice('ProtectionLevel', ['SOFTWARE', 'HSM'])
  const description = context.optional('Description') ?? ''
  if (description.length > MAX_DESCRIPTION_CHARACTERS) throw invalidParameter('Description')
  const key = context.store.create({ description, protectionLevel, isFirst: false })
  context.noteKey(key)
  return { KeyMetadata: keyMetadata(key, context.store.arn(key.keyId)) }
}
