import { unwrapFailed } from '@oss-cse/crypto-core'
import type { RecordedAnswer } from '@oss-cse/sdk-vectors'
import type { KmsClient, KmsDecryptRequest } from '../src/kms-client.ts'

/** Answers Decrypt as KMS did when it was recorded, and refuses every other blob and every other context. */
export class ReplayedKms implements KmsClient {
  readonly #answers: readonly RecordedAnswer[]
  /** The blobs that were answered. */
  readonly answered: string[] = []

  constructor(answers: readonly RecordedAnswer[]) {
    this.#answers = answers
  }

  async decrypt({ ciphertextBlob, encryptionContext = {} }: KmsDecryptRequest) {
    const context = JSON.stringify(encryptionContext)
    const answer = this.#answers.find(
      (known) =>
        known.ciphertextBlob === ciphertextBlob && JSON.stringify(known.encryptionContext) === context,
    )
    if (answer === undefined) throw unwrapFailed()
    this.answered.push(ciphertextBlob)
    return { plaintext: answer.plaintext, keyId: answer.keyId }
  }

  generateDataKey(): never {
    throw new Error('Nothing is encrypted here.')
  }

  encrypt(): never {
    throw new Error('Nothing is encrypted here.')
  }
}
