import type { ContentFormat, Envelope, EnvelopeV2 } from './envelope.ts'
import { V1_CEK_ALGORITHM } from './envelope-v1.ts'
import { V2_CEK_ALGORITHM } from './envelope-v2.ts'
import { CseError } from './errors.ts'
import type { MasterKeyProvider, WrappedContentKey } from './ports.ts'
import { SEALED_CEK_ALGORITHM } from './segment-plan.ts'

/** Optional fields of an envelope that describe its object. */
export type EnvelopeExtras = Pick<
  EnvelopeV2,
  'unencryptedContentLength' | 'unencryptedContentMd5' | 'dataSizeBytes' | 'partSizeBytes'
>

/**
 * Returns the envelope of a content key that a provider has just made, in the version that the provider writes.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` for an object in parts, and for a sealed one, when the provider writes V1,
 * which has neither.
 */
export function newEnvelope(
  provider: Pick<MasterKeyProvider, 'envelopeVersion' | 'wrapAlgorithm' | 'materialDescription'>,
  wrapped: WrappedContentKey,
  extras: EnvelopeExtras = {},
  format: ContentFormat = 'aes-ctr',
): Envelope {
  const { wrapAlgorithm, materialDescription, envelopeVersion = 2 } = provider
  if (envelopeVersion === 2) return newEnvelopeV2(provider, wrapped, extras, format)
  if (format === 'sealed') {
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      'The V1 format does not support sealed objects. Use a master key that writes V2.',
    )
  }
  const { dataSizeBytes, partSizeBytes, ...recorded } = extras
  if (dataSizeBytes !== undefined || partSizeBytes !== undefined) {
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      'The V1 format does not support objects in parts. Use put, which sends up to 5 GB in one request, or a master key that writes V2.',
    )
  }
  const { wrappedCek, wrappedIv: wrappedStart } = wrapped
  const cekAlgorithm = V1_CEK_ALGORITHM
  return {
    version: 1,
    wrappedCek,
    wrapAlgorithm,
    materialDescription,
    wrappedStart,
    cekAlgorithm,
    ...recorded,
  }
}

/** Returns the V2 envelope of a wrapped content key. */
export function newEnvelopeV2(
  { wrapAlgorithm, materialDescription }: Pick<MasterKeyProvider, 'wrapAlgorithm' | 'materialDescription'>,
  { wrappedCek, wrappedIv }: WrappedContentKey,
  extras: EnvelopeExtras,
  format: ContentFormat,
): EnvelopeV2 {
  const cekAlgorithm = format === 'sealed' ? SEALED_CEK_ALGORITHM : V2_CEK_ALGORITHM
  return { version: 2, wrappedCek, wrapAlgorithm, materialDescription, wrappedIv, cekAlgorithm, ...extras }
}
