import { CseError, type Keyring } from '@oss-cse/crypto-core'

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
