import {
  type ByteRange,
  CseError,
  contentFormat,
  decodeEnvelope,
  type Envelope,
  type EnvelopeV2,
  type HeaderMap,
  type ObjectReference,
} from '@oss-cse/crypto-core'
import {
  checkSealedLengths,
  type RangeSlice,
  type SealedSlice,
  sliceResponse,
  sliceSealed,
} from '@oss-cse/crypto-core/internal'
import { type ObjectCipher, plainCipher, unwrapCipher } from '../cipher/object-cipher.ts'
import { type SealedCipher, unwrapSealedToOpen } from '../cipher/sealed-cipher.ts'
import type { PlainObjectPolicy, ReadContext } from '../policy/bucket-context.ts'
import { contextToOpen } from '../policy/sealed-context.ts'
import type { ReadPolicies } from '../policy/sealed-policies.ts'

/** A response that was checked, and what decrypts it: close that after use. */
export type OpenedResponse = OpenedCtr | OpenedSealed

/** A response with content under AES-CTR, or a plain one that is allowed. */
export interface OpenedCtr {
  readonly sealed: false
  readonly slice: RangeSlice
  /** Absent for a plain object. */
  readonly envelope: Envelope | undefined
  readonly cipher: ObjectCipher
}

/** A response with content of a sealed object. */
export interface OpenedSealed {
  readonly sealed: true
  readonly slice: SealedSlice
  readonly envelope: Envelope
  readonly cipher: SealedCipher
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
  /** See `ReadPolicies`. */
  readonly sealing: ReadPolicies
  readonly signal: AbortSignal
}

/** Does all checks that precede the first released byte. */
export async function openResponse(
  context: ReadContext,
  { key, object, range, response, policy, sealing, signal }: ResponseToOpen,
): Promise<OpenedResponse> {
  const envelope = decodeEnvelope(response.headers)
  const sealed = envelope !== undefined && contentFormat(envelope) === 'sealed'
  if (!sealed) checkMayBeUnsealed(key, context, sealing)
  if (envelope !== undefined) context.keyring.checkFormat(envelope)
  if (envelope === undefined && policy !== 'passthrough') {
    throw new CseError(
      'ERR_CSE_NOT_ENCRYPTED',
      `${key} has no encryption envelope: it was stored in plaintext, or its metadata was removed. To read it as it is, pass onPlainObject: 'passthrough'.`,
      { objectKey: key },
    )
  }
  const unwrap = { key, object, signal }
  if (sealed) {
    const bound = contextToOpen(context, key, sealing.context)
    const slice = sliceSealed(range, response)
    checkSealedLengths(slice.plan, envelope as EnvelopeV2)
    const cipher = await unwrapSealedToOpen(context, envelope, unwrap, bound)
    checkCommitment(key, cipher, sealing)
    return { sealed, slice, envelope, cipher }
  }
  const slice = sliceResponse(range, response)
  if (envelope === undefined) return { sealed, slice, envelope, cipher: plainCipher() }
  checkRecordedLength(key, envelope, slice.totalBytes)
  return { sealed, slice, envelope, cipher: await unwrapCipher(context, envelope, unwrap) }
}

/** Judged from the headers alone, before anything is unwrapped. */
function checkMayBeUnsealed(key: string, { accept }: ReadContext, { expectCommitment }: ReadPolicies): void {
  if (accept !== 'sealed' && expectCommitment === undefined) return
  throw new CseError(
    'ERR_CSE_NOT_SEALED',
    `${key} is not sealed, so its content can be altered unnoticed. This reader accepts only sealed objects.`,
    { objectKey: key },
  )
}

function checkCommitment(key: string, cipher: SealedCipher, { expectCommitment }: ReadPolicies): void {
  if (expectCommitment === undefined || expectCommitment === cipher.commitment) return
  cipher.close()
  throw new CseError(
    'ERR_CSE_AUTHENTICATION_FAILED',
    `${key} is not the object whose commitment was expected: it was replaced, or it is an older version.`,
    { objectKey: key },
  )
}

/** Whether a reader expects sealed objects, so that its first request is for whole segments. */
export function expectsSealed({ accept, keyring }: ReadContext, { expectCommitment }: ReadPolicies): boolean {
  return (
    accept === 'sealed' ||
    expectCommitment !== undefined ||
    keyring.providers.every((provider) => keyring.isSealedOnly(provider))
  )
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
