import { sealText } from '../ciphertext-blob.ts'
import { bindEncryptionContext } from '../encryption-context.ts'
import { invalidParameter } from '../error-catalog.ts'
import type { OperationContext, ResponseFields } from '../operation-context.ts'

const MAX_PLAINTEXT_BYTES = 6144

/**
 * `Encrypt`. The plaintext is opaque text: the service requires base64 but does not decode it.
 *
 * The `EncryptionContext` parameter is JSON text. If a client flattens a map into `EncryptionContext.name=value`, these
 * are unknown parameters. They are ignored and bind nothing.
 */
export function encrypt(context: OperationContext): ResponseFields {
  const key = context.usableKey('KeyId')
  const plaintext = context.required('Plaintext')
  if (Buffer.byteLength(plaintext, 'utf8') > MAX_PLAINTEXT_BYTES) throw invalidParameter('Plaintext')
  const bound = bindEncryptionContext(context.optional('EncryptionContext'), 'EncryptionContext')
  const { ciphertextBlob, keyVersionId } = sealText(key, plaintext, bound)
  return { KeyId: key.keyId, KeyVersionId: keyVersionId, CiphertextBlob: ciphertextBlob }
}
