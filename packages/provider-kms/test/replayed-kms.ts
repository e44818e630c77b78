import { unwrapFailed } from '@oss-cse/crypto-core'
import type { RecordedAnswer } from '@oss-cse/sdk-vectors'
import type { KmsClient, KmsDecryptRequest } from '../src/kms-client.ts'

/** Returns the recorded Decrypt responses of KMS, and refuses any other blob and any other context. */
export class ReplayedKms implements KmsClient {
  readonly #answers: readonly RecordedAnswer[]
  /** The blobs that were decrypted. */
  readonly decrypted: string[] = []

  constructor(answers: readonly RecordedAnswer[]) {
    this.#answers = answers
  }

  async decrypt({ ciphertextBlob, encryptionContext = {} }: KmsDecryptRequest) {
    const context = JSON.stringify(encryptionContext)
    const response = this.#answers.find(
      (known) =>
        known.ciphertextBlob === ciphertextBlob && JSON.stringify(known.encryptionContext) === context,
    )
    if (response === undefined) throw unwrapFailed()
    this.decrypted.push(ciphertextBlob)
    return { plaintext: response.plaintext, keyId: response.keyId }
  }

  generateDataKey(): never {
    throw new Error('Nothing is encrypted here.')
  }

  encrypt(): never {
    throw new Error('Nothing is encrypted here.')
  }
}
