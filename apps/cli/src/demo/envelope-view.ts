import { type HeaderMap, V2_HEADERS } from '@oss-cse/crypto-core'
import { formatCount, shorten } from './format.ts'

/** What the names of all envelope headers begin with. */
export const ENVELOPE_PREFIX: string = V2_HEADERS.wrappedCek.slice(0, -'key'.length)

/** One header of an envelope, ready to be shown. */
export interface EnvelopeRow {
  /** The header's name without the common prefix. */
  readonly name: string
  /** Its value, a wrapped key by its first and last characters. */
  readonly value: string
  /** What it is, in a few words. */
  readonly meaning: string
}

const MEANINGS: readonly (readonly [header: string, meaning: string])[] = [
  [V2_HEADERS.wrappedCek, 'the key of this one object, wrapped'],
  [V2_HEADERS.wrappedIv, 'where its counter starts, wrapped'],
  [V2_HEADERS.cekAlgorithm, 'how the content is encrypted'],
  [V2_HEADERS.wrapAlgorithm, 'how those two are wrapped'],
  [V2_HEADERS.materialDescription, 'which master key: a name you choose'],
  [V2_HEADERS.unencryptedContentLength, 'how long it is in clear, in bytes'],
  [V2_HEADERS.unencryptedContentMd5, 'the MD5 of the content in clear'],
  [V2_HEADERS.dataSize, 'its length, announced before the parts'],
  [V2_HEADERS.partSize, 'the length of each part but the last'],
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
