import { openBlob, sealText } from '../ciphertext-blob.ts'
import { bindEncryptionContext } from '../encryption-context.ts'
import type { OperationContext, ResponseFields } from '../operation-context.ts'

/** `ReEncrypt`. Changes the key, the version or the context of a blob, without returning the plaintext. */
export function reEncrypt(context: OperationContext): ResponseFields {
  const blob = context.required('CiphertextBlob')
  const bound = (name: string): Uint8Array => bindEncryptionContext(context.optional(name), name)
  const from = bound('SourceEncryptionContext')
  const to = bound('DestinationEncryptionContext')
  const destination = context.usableKey('DestinationKeyId')
  const { plaintext } = openBlob(context.store, blob, from, () => undefined)
  const { ciphertextBlob, keyVersionId } = sealText(destination, plaintext, to)
  return { KeyId: destination.keyId, KeyVersionId: keyVersionId, CiphertextBlob: ciphertextBlob }
}
