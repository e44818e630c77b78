import { sealText } from '../ciphertext-blob.ts'
import { bindEncryptionContext } from '../encryption-context.ts'
import { invalidParameter } from '../error-catalog.ts'
import type { AnswerFields, OperationContext } from '../operation-context.ts'

const MAX_PLAINTEXT_BYTES = 6144

/**
 * `Encrypt`. The plaintext is opaque text: the service asks for base64 but does not decode it.
 *
 * An `EncryptionContext` is the JSON text of that one parameter. A map that a client flattened into
 * `EncryptionContext.name=value` is unknown parameters, ignored, and binds nothing.
 */
export function encrypt(context: OperationContext): AnswerFields {
  const key = context.usableKey('KeyId')
  const plaintext = context.required('Plaintext')
  if (Buffer.byteLength(plaintext, 'utf8') > MAX_PLAINTEXT_BYTES) throw invalidParameter('Plaintext')
  const bound = bindEncryptionContext(context.optional('EncryptionContext'), 'EncryptionContext')
  const { ciphertextBlob, keyVersionId } = sealText(key, plaintext, bound)
  return { KeyId: key.keyId, KeyVersionId: keyVersionId, CiphertextBlob: ciphertextBlob }
}
