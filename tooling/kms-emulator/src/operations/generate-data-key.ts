import { randomBytes } from 'node:crypto'
import { sealText } from '../ciphertext-blob.ts'
import { bindEncryptionContext } from '../encryption-context.ts'
import type { OperationContext, ResponseFields } from '../operation-context.ts'

const MAX_BYTES = 1024

/** `GenerateDataKey`. The plaintext is the base64 of random bytes. `Decrypt` returns the same base64 text. */
export function generateDataKey(context: OperationContext): ResponseFields {
  const key = context.usableKey('KeyId')
  // With NumberOfBytes the service ignores KeySpec.
  const length =
    context.integer('NumberOfBytes', 1, MAX_BYTES) ??
    (context.choice('KeySpec', ['AES_256', 'AES_128']) === 'AES_256' ? 32 : 16)
  const bound = bindEncryptionContext(context.optional('EncryptionContext'), 'EncryptionContext')
  const plaintext = randomBytes(length).toString('base64')
  const { ciphertextBlob, keyVersionId } = sealText(key, plaintext, bound)
  return {
    KeyId: key.keyId,
    KeyVersionId: keyVersionId,
    CiphertextBlob: ciphertextBlob,
    Plaintext: plaintext,
  }
}

/** `GenerateDataKeyWithoutPlaintext` */
export function generateDataKeyWithoutPlaintext(context: OperationContext): ResponseFields {
  const { Plaintext: _, ...rest } = generateDataKey(context)
  return rest
}
