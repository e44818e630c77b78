import {
  type ContentFormat,
  CseError,
  type CseErrorCode,
  contentFormat,
  decodeEnvelope,
  type Envelope,
  type HeaderMap,
  type MaterialDescription,
  objectAttributes,
  plaintextLength,
} from '@oss-cse/crypto-core'
import { checkSealedLengths, SegmentPlan } from '@oss-cse/crypto-core/internal'

/** What the headers of an object say about it. */
export interface Classification {
  /**
   * - `encrypted`: it has an envelope, and the length that the envelope records, if it records one;
   * - `plain`: it has no envelope;
   * - `link`: it is a symbolic link, whose headers say nothing about its target;
   * - `damaged`: its envelope is incomplete, contradicts itself, or names an unknown algorithm;
   * - `altered`: its length is not the one that its envelope records, or that a sealed object can have.
   */
  readonly outcome: 'encrypted' | 'plain' | 'link' | 'damaged' | 'altered'
  /** Why it is `damaged` or `altered`. */
  readonly code?: CseErrorCode
  readonly envelopeVersion?: Envelope['version']
  /** How the content is encrypted. */
  readonly format?: ContentFormat
  readonly wrapAlgorithm?: string
  /** Names the master key. Empty if the envelope names none. */
  readonly materialDescription?: MaterialDescription
  /** The length of the plaintext in bytes, if the envelope records it. */
  readonly unencryptedContentLength?: number
  /** `Normal`, `Multipart`, `Appendable` or `Symlink`. A later version of the service may have others. */
  readonly objectType?: string
  /** `Standard`, `IA`, `Archive`, `ColdArchive`, `DeepColdArchive`, or another one. */
  readonly storageClass?: string
  /** True for an archived object that must be restored before it can be read. */
  readonly needsRestore?: true
}

/**
 * Tells from the headers of an object whether and how it is encrypted, and under which master key. Needs no key, and proves
 * nothing about the content.
 *
 * @param headers - of a HEAD or GET, names in lower case
 * @param sizeBytes - the length of the stored object
 *
 * @example
 * ```ts
 * const { headers } = await transport.head({ key, headers: {} })
 * const { outcome, materialDescription } = classify(headers, Number(headers['content-length']))
 * ```
 */
export function classify(headers: HeaderMap, sizeBytes: number): Classification {
  const attributes = attributesOf(headers)
  if (attributes.objectType?.toLowerCase() === 'symlink') return { outcome: 'link', ...attributes }
  let envelope: Envelope | undefined
  try {
    envelope = decodeEnvelope(headers)
  } catch (error) {
    return { outcome: 'damaged', code: codeOf(error), ...attributes }
  }
  if (envelope === undefined) return { outcome: 'plain', ...attributes }
  const described = { ...describeEnvelope(envelope), ...attributes }
  try {
    checkLengths(envelope, sizeBytes)
  } catch (error) {
    return { outcome: 'altered', code: codeOf(error), ...described }
  }
  return { outcome: 'encrypted', ...described }
}

/** The fields of a classification that do not depend on the envelope. */
export function attributesOf(
  headers: HeaderMap,
): Pick<Classification, 'objectType' | 'storageClass' | 'needsRestore'> {
  const { type: objectType, storageClass, needsRestore } = objectAttributes(headers)
  return {
    ...(objectType !== undefined && { objectType }),
    ...(storageClass !== undefined && { storageClass }),
    ...(needsRestore && { needsRestore }),
  }
}

/** The fields of a classification that an envelope determines. */
export function describeEnvelope(
  envelope: Pick<
    Envelope,
    'version' | 'cekAlgorithm' | 'wrapAlgorithm' | 'materialDescription' | 'unencryptedContentLength'
  >,
): Pick<
  Classification,
  'envelopeVersion' | 'format' | 'wrapAlgorithm' | 'materialDescription' | 'unencryptedContentLength'
> {
  const { version, wrapAlgorithm, materialDescription, unencryptedContentLength } = envelope
  return {
    envelopeVersion: version,
    format: contentFormat(envelope),
    wrapAlgorithm,
    materialDescription,
    ...(unencryptedContentLength !== undefined && { unencryptedContentLength }),
  }
}

/** @throws CseError as a read of the object would, before it needs a key */
function checkLengths(envelope: Envelope, sizeBytes: number): void {
  const dataSizeBytes = envelope.version === 2 ? envelope.dataSizeBytes : undefined
  if (contentFormat(envelope) === 'sealed') {
    checkSealedLengths(new SegmentPlan(plaintextLength(sizeBytes)), { ...envelope, dataSizeBytes })
    return
  }
  const { unencryptedContentLength = sizeBytes } = envelope
  if (unencryptedContentLength === sizeBytes && (dataSizeBytes ?? sizeBytes) === sizeBytes) return
  throw new CseError('ERR_CSE_INTEGRITY', 'The object does not have the length that its envelope records.')
}

function codeOf(error: unknown): CseErrorCode {
  if (CseError.isInstance(error)) return error.code
  throw error
}
