import type { EnvelopeV2 } from './envelope.ts'
import { checkHeaderTexts, damagedEnvelope, decimalField, requiredFields } from './envelope-fields.ts'
import { CseError } from './errors.ts'
import { V2_HEADERS } from './headers.ts'
import { formatMaterialDescription, parseMaterialDescription } from './material-description.ts'
import { SEALED_CEK_ALGORITHM } from './segment-plan.ts'

/** The content algorithm of the official SDKs, as a V2 envelope names it. */
export const V2_CEK_ALGORITHM = 'AES/CTR/NoPadding'

/** Returns the headers of a V2 envelope, see `encodeEnvelope`. */
export function encodeEnvelopeV2(envelope: EnvelopeV2): Record<string, string> {
  checkWrapAlgorithm(envelope.wrapAlgorithm)
  const { wrappedCek, wrappedIv, cekAlgorithm } = envelope
  checkHeaderTexts({ wrappedCek, wrappedIv, cekAlgorithm })
  const headers: Record<string, string> = {
    [V2_HEADERS.wrappedCek]: wrappedCek,
    [V2_HEADERS.wrappedIv]: wrappedIv,
    [V2_HEADERS.cekAlgorithm]: cekAlgorithm,
    [V2_HEADERS.wrapAlgorithm]: envelope.wrapAlgorithm,
  }
  const optional: readonly (readonly [string, string | number | undefined])[] = [
    [V2_HEADERS.materialDescription, formatMaterialDescription(envelope.materialDescription) || undefined],
    [V2_HEADERS.unencryptedContentLength, envelope.unencryptedContentLength],
    [V2_HEADERS.unencryptedContentMd5, envelope.unencryptedContentMd5],
    [V2_HEADERS.dataSize, envelope.dataSizeBytes],
    [V2_HEADERS.partSize, envelope.partSizeBytes],
  ]
  for (const [field, value] of optional) if (value !== undefined) headers[field] = String(value)
  return headers
}

/**
 * Checks that the name of a wrap algorithm is valid in an envelope.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`.
 */
export function checkWrapAlgorithm(name: string): void {
  checkHeaderTexts({ wrapAlgorithm: name })
  if (name.toLowerCase() === 'rsa') {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'The wrap algorithm "rsa" is reserved by the service. Name the padding too, for example RSA/NONE/PKCS1Padding.',
    )
  }
}

/** Reads a V2 envelope from headers in lower case. */
export function decodeEnvelopeV2(headers: Readonly<Record<string, string>>): EnvelopeV2 {
  const [wrappedCek, wrappedIv, cekAlgorithm, wrapAlgorithm] = requiredFields(headers, [
    V2_HEADERS.wrappedCek,
    V2_HEADERS.wrappedIv,
    V2_HEADERS.cekAlgorithm,
    V2_HEADERS.wrapAlgorithm,
  ])
  // That of a sealed object has exactly one spelling, because its key is derived from it.
  if (
    cekAlgorithm !== SEALED_CEK_ALGORITHM &&
    cekAlgorithm.toLowerCase() !== V2_CEK_ALGORITHM.toLowerCase()
  ) {
    throw new CseError(
      'ERR_CSE_UNSUPPORTED_ALGORITHM',
      `The object's content algorithm is ${JSON.stringify(cekAlgorithm)}; only ${V2_CEK_ALGORITHM} and ${SEALED_CEK_ALGORITHM} are supported.`,
    )
  }
  const dataSizeBytes = decimalField(headers, V2_HEADERS.dataSize)
  const partSizeBytes = decimalField(headers, V2_HEADERS.partSize)
  if (partSizeBytes === 0) throw damagedEnvelope(`${V2_HEADERS.partSize} is zero`)
  const unencryptedContentLength = decimalField(headers, V2_HEADERS.unencryptedContentLength)
  const unencryptedContentMd5 = headers[V2_HEADERS.unencryptedContentMd5]
  return {
    version: 2,
    wrappedCek,
    wrappedIv,
    cekAlgorithm,
    wrapAlgorithm,
    materialDescription: parseMaterialDescription(headers[V2_HEADERS.materialDescription]),
    ...(unencryptedContentLength !== undefined && { unencryptedContentLength }),
    ...(unencryptedContentMd5 !== undefined && { unencryptedContentMd5 }),
    ...(dataSizeBytes !== undefined && { dataSizeBytes }),
    ...(partSizeBytes !== undefined && { partSizeBytes }),
  }
}
