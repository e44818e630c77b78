import { openBlob } from '../ciphertext-blob.ts'
import { bindEncryptionContext } from '../encryption-context.ts'
import type { OperationContext, ResponseFields } from '../operation-context.ts'

/** `Decrypt`. The blob names the version of its key. */
export function decrypt(context: OperationContext): ResponseFields {
  const blob = context.required('CiphertextBlob')
  const bound = bindEncryptionContext(context.optional('EncryptionContext'), 'EncryptionContext')
  const { plaintext, key, keyVersionId } = openBlob(context.store, blob, bound, (found) =>
    context.noteKey(found),
  )
  return { KeyId: key.keyId, KeyVersionId: keyVersionId, Plaintext: plaintext }
}
