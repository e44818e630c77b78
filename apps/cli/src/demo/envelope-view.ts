import type { HeaderMap } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { formatCount, shorten } from './format.ts'

/** The prefix of all envelope headers. */
export const ENVELOPE_PREFIX: string = V2_HEADERS.wrappedCek.slice(0, -'key'.length)

/** One header of an envelope, ready for display. */
export interface EnvelopeRow {
  /** The header's name without the common prefix. */
  readonly name: string
  /** Its value. A wrapped key is shortened to its first and last characters. */
  readonly value: string
  /** What it is, in a few words. */
  readonly meaning: string
}

const MEANINGS: readonly (readonly [header: string, meaning: string])[] = [
  [V2_HEADERS.wrappedCek, 'content key of this object, wrapped'],
  [V2_HEADERS.wrappedIv, 'start of its counter, wrapped'],
  [V2_HEADERS.cekAlgorithm, 'algorithm of the content'],
  [V2_HEADERS.wrapAlgorithm, 'algorithm that wraps the two'],
  [V2_HEADERS.materialDescription, 'name of the master key: you choose it'],
  [V2_HEADERS.unencryptedContentLength, 'length of the plaintext in bytes'],
  [V2_HEADERS.unencryptedContentMd5, 'MD5 of the plaintext'],
  [V2_HEADERS.dataSize, 'length, set before the upload of parts'],
  [V2_HEADERS.partSize, 'length of each part except the last'],
]
const WRAPPED: ReadonlySet<string> = new Set([V2_HEADERS.wrappedCek, V2_HEADERS.wrappedIv])

/** The envelope headers among an object's headers (names in lower case), each explained. */
export function envelopeRows(headers: HeaderMap): readonly EnvelopeRow[] {
  const rows: EnvelopeRow[] = []
  for (const [field, meaning] of MEANINGS) {
    const value = headers[field]
    if (value === undefined) continue
    const shown = WRAPPED.has(field) ? `${shorten(value, 5)} (${formatCount(value.length)} chars)` : value
    rows.push({ name: field.slice(ENVELOPE_PREFIX.length), value: shown, meaning })
  }
  return rows
}
