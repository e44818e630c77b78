import {
  type ByteRange,
  CseError,
  decodeEnvelope,
  type Envelope,
  type HeaderMap,
  type ObjectReference,
} from '@oss-cse/crypto-core'
import { type RangeSlice, sliceResponse } from '@oss-cse/crypto-core/internal'
import { type ObjectCipher, plainCipher, unwrapCipher } from '../cipher/object-cipher.ts'
import type { BucketContext, PlainObjectPolicy } from '../policy/bucket-context.ts'

/** A response that was checked, and the cipher that decrypts it. */
export interface OpenedResponse {
  readonly slice: RangeSlice
  /** Absent for a plain object that is allowed. */
  readonly envelope: Envelope | undefined
  /** Close it after use. */
  readonly cipher: ObjectCipher
}

/** A response to check. */
export interface ResponseToOpen {
  /** The caller's name for the object. */
  readonly key: string
  /** The object that the response is from. */
  readonly object: ObjectReference
  readonly range: ByteRange | undefined
  readonly response: { readonly status: number; readonly headers: HeaderMap }
  readonly policy: PlainObjectPolicy
  readonly signal: AbortSignal
}

/** Does all checks that precede the first released byte. */
export async function openResponse(
  context: BucketContext,
  { key, object, range, response, policy, signal }: ResponseToOpen,
): Promise<OpenedResponse> {
  const envelope = decodeEnvelope(response.headers)
  if (envelope === undefined && policy !== 'passthrough') {
    throw new CseError(
      'ERR_CSE_NOT_ENCRYPTED',
      `${key} has no encryption envelope: it was stored in plaintext, or its metadata was removed. To read it as it is, pass onPlainObject: 'passthrough'.`,
      { objectKey: key },
    )
  }
  const slice = sliceResponse(range, response)
  if (envelope === undefined) return { slice, envelope, cipher: plainCipher() }
  checkRecordedLength(key, envelope, slice.totalBytes)
  return { slice, envelope, cipher: await unwrapCipher(context, envelope, { key, object, signal }) }
}

/**
 * Compares a whole object's ciphertext with the service's checksum, if the service sent one.
 *
 * @param expected - the service's checksum, as a decimal string
 * @throws CseError `ERR_CSE_INTEGRITY`
 */
export function checkStoredChecksum(
  objectKey: string,
  crc64: bigint | undefined,
  expected: string | undefined,
): void {
  if (expected === undefined || String(crc64) === expected) return
  throw new CseError(
    'ERR_CSE_INTEGRITY',
    `The bytes of ${objectKey} do not match the checksum that the service keeps.`,
    { objectKey },
  )
}

/** If the length differs from the one in the envelope, the object was truncated or extended after it was written. */
function checkRecordedLength(key: string, envelope: Envelope, totalBytes: number): void {
  const recorded = [
    envelope.unencryptedContentLength,
    envelope.version === 2 ? envelope.dataSizeBytes : undefined,
  ]
  if (recorded.some((length) => length !== undefined && length !== totalBytes)) {
    throw new CseError('ERR_CSE_INTEGRITY', `${key} does not have the length that its envelope records.`, {
      objectKey: key,
    })
  }
}
