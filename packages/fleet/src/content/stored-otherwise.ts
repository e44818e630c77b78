import { CseError } from '@oss-cse/crypto-core'

/** Content that was not stored as it was sent. The failure is about that, and not about the object that was read. */
export class StoredOtherwise extends Error {
  override readonly name = 'StoredOtherwise'
  override readonly cause: CseError

  constructor(objectKey: string) {
    const message = `The service stored other bytes than were sent as ${objectKey}.`
    super(message)
    this.cause = new CseError('ERR_CSE_INTEGRITY', message, { objectKey })
  }
}
