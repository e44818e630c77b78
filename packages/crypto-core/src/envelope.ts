import type { MaterialDescription } from './material-description.ts'

/** What both generations of envelope say about one object. */
export interface EnvelopeFields {
  /**
   * The wrapped content key as the header holds it, normally base64. It stays text because some providers
   * need the exact text, and because malformed base64 must fail where every other unwrap failure does.
   */
  readonly wrappedCek: string
  /** How the content is encrypted, as the header says it. */
  readonly cekAlgorithm: string
  /** How the content key is wrapped, for instance `RSA/NONE/PKCS1Padding`. Compare it case-insensitively. */
  readonly wrapAlgorithm: string
  /** Which master key wrapped it; empty when the object says nothing. */
  readonly materialDescription: MaterialDescription
  /** The plaintext's length in bytes, when the writer recorded it. */
  readonly unencryptedContentLength?: number | undefined
  /** The caller's own Content-MD5 of the plaintext, base64, when one was recorded. */
  readonly unencryptedContentMd5?: string | undefined
}

/** The envelope that every current SDK writes. */
export interface EnvelopeV2 extends EnvelopeFields {
  readonly version: 2
  /** The wrapped IV (16 bytes once unwrapped) as the header holds it, normally base64. */
  readonly wrappedIv: string
  /** Multipart only: the whole plaintext's length in bytes. */
  readonly dataSizeBytes?: number | undefined
  /** Multipart only: the length in bytes of every part but the last. */
  readonly partSizeBytes?: number | undefined
}

/** The envelope of oss2 2.5 to 2.10 (Python): read, never written by default. */
export interface EnvelopeV1 extends EnvelopeFields {
  readonly version: 1
  /** The wrapped start value (a decimal text, `1` to `10`, once unwrapped) as the header holds it. */
  readonly wrappedStart: string
}

/** The wrapped key of one object and what is needed to unwrap it. Holds no secret. */
export type Envelope = EnvelopeV1 | EnvelopeV2

/** What may be shown of an envelope: everything but the wrapped keys. */
export type EnvelopeSummary =
  | Omit<EnvelopeV1, 'wrappedCek' | 'wrappedStart'>
  | Omit<EnvelopeV2, 'wrappedCek' | 'wrappedIv'>

/** Leaves the wrapped keys out of an envelope. */
export function summarizeEnvelope(envelope: Envelope): EnvelopeSummary {
  if (envelope.version === 1) {
    const { wrappedCek: _cek, wrappedStart: _start, ...summary } = envelope
    return summary
  }
  const { wrappedCek: _cek, wrappedIv: _iv, ...summary } = envelope
  return summary
}
