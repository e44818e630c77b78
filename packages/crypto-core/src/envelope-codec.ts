import type { Envelope } from './envelope.ts'
import { damagedEnvelope } from './envelope-fields.ts'
import { decodeEnvelopeV1, encodeEnvelopeV1 } from './envelope-v1.ts'
import { decodeEnvelopeV2, encodeEnvelopeV2 } from './envelope-v2.ts'
import { lowerCaseHeaders } from './header-map.ts'
import { V1_HEADERS, V2_PREFIX } from './headers.ts'
import type { HeaderMap } from './ports.ts'

/** The V1 headers that no other writer uses. The `unencrypted-…` headers could be metadata of any writer. */
const V1_MARKS: readonly string[] = [
  V1_HEADERS.wrappedCek,
  V1_HEADERS.wrappedStart,
  V1_HEADERS.cekAlgorithm,
  V1_HEADERS.wrapAlgorithm,
  V1_HEADERS.materialDescription,
  V1_HEADERS.documentedMaterialDescription,
]

/**
 * Reads the envelope from an object's headers. The names may be in any case.
 *
 * @returns the envelope, or `undefined` for a plain object: one without a header of either version.
 * @throws CseError `ERR_CSE_ENVELOPE_DAMAGED` when headers of an envelope are missing, malformed, given twice, or of
 * both versions; `ERR_CSE_UNSUPPORTED_ALGORITHM` when the content algorithm is unknown.
 *
 * @example
 * ```ts
 * const envelope = decodeEnvelope(response.headers)
 * if (envelope === undefined) console.log('a plain object')
 * ```
 */
export function decodeEnvelope(headers: HeaderMap): Envelope | undefined {
  const lower = lowerCaseHeaders(headers)
  const names = Object.keys(lower)
  const hasV2 = names.some((name) => name.startsWith(V2_PREFIX))
  const hasV1 = names.some((name) => V1_MARKS.includes(name))
  if (hasV1 && hasV2) throw damagedEnvelope('it has headers of both versions')
  if (hasV2) return decodeEnvelopeV2(lower)
  if (hasV1) return decodeEnvelopeV1(lower)
  return undefined
}

/**
 * Returns the headers of an envelope, which the service stores with the ciphertext.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when a field is not valid in a header, when a V2 envelope names the wrap
 * algorithm `rsa`, for which the service demands another header, or when a V1 envelope has a description.
 *
 * @example
 * ```ts
 * const { contentKey, envelope } = await keyring.generate()
 * const headers = encodeEnvelope(envelope)
 * ```
 */
export function encodeEnvelope(envelope: Envelope): Record<string, string> {
  return envelope.version === 1 ? encodeEnvelopeV1(envelope) : encodeEnvelopeV2(envelope)
}
