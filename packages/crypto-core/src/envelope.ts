import type { MaterialDescription } from './material-description.ts'
import { SEALED_CEK_ALGORITHM } from './segment-plan.ts'

/** The fields that both envelope versions have. */
export interface EnvelopeFields {
  /**
   * The wrapped content key as the header holds it, normally base64. It stays text for two reasons: some providers need
   * the exact text, and malformed base64 must fail where every other unwrap failure does.
   */
  readonly wrappedCek: string
  /** The algorithm that encrypts the content, as the header names it. */
  readonly cekAlgorithm: string
  /** The algorithm that wraps the content key, such as `RSA/NONE/PKCS1Padding`. Compare it case-insensitively. */
  readonly wrapAlgorithm: string
  /** Names the master key that wrapped the content key. Empty if the object has no description. */
  readonly materialDescription: MaterialDescription
  /** The plaintext's length in bytes, if the writer recorded it. */
  readonly unencryptedContentLength?: number | undefined
  /** The caller's own Content-MD5 of the plaintext in base64, if it was recorded. */
  readonly unencryptedContentMd5?: string | undefined
}

/** The envelope that every current SDK writes. */
export interface EnvelopeV2 extends EnvelopeFields {
  readonly version: 2
  /** The wrapped IV as the header holds it, normally base64. It has 16 bytes once it is unwrapped. */
  readonly wrappedIv: string
  /** Multipart only: the length of the whole plaintext in bytes. */
  readonly dataSizeBytes?: number | undefined
  /** Multipart only: the length of each part but the last, in bytes. */
  readonly partSizeBytes?: number | undefined
}

/** The envelope of oss2 2.5 to 2.10 (Python). It can be read, and is not written by default. */
export interface EnvelopeV1 extends EnvelopeFields {
  readonly version: 1
  /** The wrapped start value as the header holds it. Once it is unwrapped, it is a decimal text, `1` to `10`. */
  readonly wrappedStart: string
}

/** The wrapped key of one object, and what is needed to unwrap it. It holds no secret. */
export type Envelope = EnvelopeV1 | EnvelopeV2

/** An envelope without its wrapped keys, for display. */
export type EnvelopeSummary =
  | Omit<EnvelopeV1, 'wrappedCek' | 'wrappedStart'>
  | Omit<EnvelopeV2, 'wrappedCek' | 'wrappedIv'>

/**
 * How the content of an object is encrypted: with AES-256-CTR, as every official SDK does, or sealed, so that no byte can be
 * altered unnoticed.
 */
export type ContentFormat = 'aes-ctr' | 'sealed'

/** The format of the content that an envelope names. V1 knows no other than AES-CTR. */
export function contentFormat({
  version,
  cekAlgorithm,
}: Pick<Envelope, 'version' | 'cekAlgorithm'>): ContentFormat {
  return version === 2 && cekAlgorithm === SEALED_CEK_ALGORITHM ? 'sealed' : 'aes-ctr'
}

/** Removes the wrapped keys from an envelope. */
export function summarizeEnvelope(envelope: Envelope): EnvelopeSummary {
  if (envelope.version === 1) {
    const { wrappedCek: _cek, wrappedStart: _start, ...summary } = envelope
    return summary
  }
  const { wrappedCek: _cek, wrappedIv: _iv, ...summary } = envelope
  return summary
}
