import { CseError, type Keyring } from '@oss-cse/crypto-core'

/** What an ordinary bucket can do and an encrypted one cannot: why, and what to do instead. */
const REFUSALS = {
  append: 'an object that grows has no fixed length to encrypt. Put a new object instead',
  selectObject: 'the server holds only ciphertext. Read the object and select here',
  processObject: 'the server holds only ciphertext. Read the object and process it here',
  uploadPartCopy: 'the parts of an object are encrypted under its own key. Read the source and upload it',
  putMetadata: "the service protects an encrypted object's metadata. Read the object and put it again",
} as const

/**
 * Refuses an operation before any request.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`, always.
 */
export function refuse(operation: keyof typeof REFUSALS): never {
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    `${operation} is not possible on encrypted objects: ${REFUSALS[operation]}.`,
  )
}

/**
 * Refuses an upload that may go in parts, whatever its size, under a master key that writes V1 envelopes: those know
 * no parts, and a call that works until a file grows would be worse. Before a content key is made, which a key service
 * would have to be asked for.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`
 */
export function refusePartsUnderV1(
  operation: 'upload' | 'initiateMultipartUpload',
  { encrypting }: Keyring,
): void {
  if (encrypting.envelopeVersion !== 1) return
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    `${operation} is not possible under a master key that writes the V1 format: it has neither parts nor resumption. Use put, which sends up to 5 GB in one request, or a master key that writes V2.`,
  )
}
