import type { EnvelopeV1 } from './envelope.ts'
import { checkHeaderTexts, damagedEnvelope, decimalField, requiredFields } from './envelope-fields.ts'
import { CseError } from './errors.ts'
import { V1_HEADERS } from './headers.ts'
import {
  equalDescriptions,
  isEmptyDescription,
  type MaterialDescription,
  parseMaterialDescription,
} from './material-description.ts'

/** The value that oss2 wrote into every V1 envelope. The content is still AES-256-CTR without a tag. */
export const V1_CEK_ALGORITHM = 'AES/GCM/NoPadding'

/** Reads a V1 envelope (oss2 2.5 to 2.10, Python) from headers in lower case. */
export function decodeEnvelopeV1(headers: Readonly<Record<string, string>>): EnvelopeV1 {
  const [wrappedCek, wrappedStart, cekAlgorithm, wrapAlgorithm] = requiredFields(headers, [
    V1_HEADERS.wrappedCek,
    V1_HEADERS.wrappedStart,
    V1_HEADERS.cekAlgorithm,
    V1_HEADERS.wrapAlgorithm,
  ])
  if (cekAlgorithm.toLowerCase() !== V1_CEK_ALGORITHM.toLowerCase()) {
    throw new CseError(
      'ERR_CSE_UNSUPPORTED_ALGORITHM',
      `The object's content algorithm is ${JSON.stringify(cekAlgorithm)}; a V1 envelope must name ${V1_CEK_ALGORITHM}.`,
    )
  }
  const unencryptedContentLength = decimalField(headers, V1_HEADERS.unencryptedContentLength)
  const unencryptedContentMd5 = headers[V1_HEADERS.unencryptedContentMd5]
  return {
    version: 1,
    wrappedCek,
    wrappedStart,
    cekAlgorithm,
    wrapAlgorithm,
    materialDescription: descriptionOf(headers),
    ...(unencryptedContentLength !== undefined && { unencryptedContentLength }),
    ...(unencryptedContentMd5 !== undefined && { unencryptedContentMd5 }),
  }
}

/** Reads the description under either name. If both headers exist, they must be equal. */
function descriptionOf(headers: Readonly<Record<string, string>>): MaterialDescription {
  const written = parseMaterialDescription(headers[V1_HEADERS.materialDescription])
  const documented = parseMaterialDescription(headers[V1_HEADERS.documentedMaterialDescription])
  if (isEmptyDescription(written)) return documented
  if (isEmptyDescription(documented) || equalDescriptions(written, documented)) return written
  throw damagedEnvelope('it has two material descriptions')
}

/**
 * Returns the headers of a V1 envelope, see `encodeEnvelope`. It refuses a description: oss2 2.5 to 2.10 never wrote
 * one, and those readers would not understand it.
 */
export function encodeEnvelopeV1(envelope: EnvelopeV1): Record<string, string> {
  const { wrappedCek, wrappedStart, cekAlgorithm, wrapAlgorithm, materialDescription } = envelope
  checkHeaderTexts({ wrappedCek, wrappedStart, cekAlgorithm, wrapAlgorithm })
  if (!isEmptyDescription(materialDescription)) {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'A V1 envelope cannot hold a material description.')
  }
  const { unencryptedContentLength, unencryptedContentMd5 } = envelope
  return {
    [V1_HEADERS.wrappedCek]: wrappedCek,
    [V1_HEADERS.wrappedStart]: wrappedStart,
    [V1_HEADERS.cekAlgorithm]: cekAlgorithm,
    [V1_HEADERS.wrapAlgorithm]: wrapAlgorithm,
    ...(unencryptedContentLength !== undefined && {
      [V1_HEADERS.unencryptedContentLength]: String(unencryptedContentLength),
    }),
    ...(unencryptedContentMd5 !== undefined && {
      [V1_HEADERS.unencryptedContentMd5]: unencryptedContentMd5,
    }),
  }
}
