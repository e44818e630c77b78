import { type ContentFormat, CseError, type CseErrorCode } from '@oss-cse/crypto-core'
import * as v from 'valibot'

/**
 * What became of an object. The words are stable; later commands add theirs.
 * - `encrypted`: an audit found an envelope, and a length that fits it
 * - `verified`: a verification read it to its end, and it is what was written, as far as `verification` says
 * - `rotated`: its content key is now wrapped by the new master key, or its content is under a new content key
 * - `migrated`: it was plain, and is encrypted now
 * - `copied`: it was as it should be, and was copied into the other bucket
 * - `already`: it was as it should be, and was not written
 * - `would-rotate`, `would-migrate`, `would-copy`: the same, but nothing was written, because of a dry run or a limit
 * - `plain`: it has no envelope
 * - `link`: an audit found a symbolic link. Its target has a row of its own if it belongs to the run
 * - `damaged`: its envelope is incomplete, contradicts itself, or names an unknown algorithm; `code` says more
 * - `altered`: its length, its checksum or its content is not what was written; `code` and `byteRange` say more
 * - `appendable`: it was made by appending, which new content would end. It was not written
 * - `retained`: a retention forbids to change it. It was not written
 * - `conflict`: the other bucket has other content under its key. It was not overwritten
 * - `needs-restore`: it is archived, so its content was not read
 * - `gone`: it was deleted after it was listed
 * - `failed`: nothing is known about it, because of an error; `code` says which
 */
export const REPORT_OUTCOMES = [
  'encrypted',
  'verified',
  'rotated',
  'migrated',
  'copied',
  'already',
  'would-rotate',
  'would-migrate',
  'would-copy',
  'plain',
  'link',
  'damaged',
  'altered',
  'appendable',
  'retained',
  'conflict',
  'needs-restore',
  'gone',
  'failed',
] as const

/** One of `REPORT_OUTCOMES`. */
export type ReportOutcome = (typeof REPORT_OUTCOMES)[number]

/**
 * One line of a report: what is known about one object. The names are stable. A field that does not apply, or is not known,
 * is absent. It never contains an error message, which may repeat the object's key.
 */
export interface ReportRow {
  /** The object's key. Absent if keys are redacted. */
  readonly key?: string | undefined
  /** Instead of the key: see `keyRedactor`. */
  readonly keyHash?: string | undefined
  readonly outcome: ReportOutcome
  /** The code of the error, for `damaged`, `altered` and `failed`. */
  readonly code?: CseErrorCode | undefined
  /** The service's own code of a failure. */
  readonly serviceCode?: string | undefined
  /** The service's request id of a failure. Quote it to support. */
  readonly requestId?: string | undefined
  /** The length of the stored object in bytes, which for a sealed object is larger than that of its plaintext. */
  readonly sizeBytes: number
  /** As the listing states it: ISO 8601, in UTC. */
  readonly lastModified: string
  /** The version that was looked at, in a versioned bucket. */
  readonly versionId?: string | undefined
  /** `Normal`, `Multipart`, `Appendable` or `Symlink`. */
  readonly objectType?: string | undefined
  /** `Standard`, `IA`, `Archive`, `ColdArchive` or `DeepColdArchive`. */
  readonly storageClass?: string | undefined
  /** True for an archived object that must be restored before it can be read. */
  readonly needsRestore?: boolean | undefined
  readonly envelopeVersion?: 1 | 2 | undefined
  /** How the content is encrypted. */
  readonly format?: ContentFormat | undefined
  readonly wrapAlgorithm?: string | undefined
  /** Names the master key. Empty if the envelope names none. */
  readonly materialDescription?: Readonly<Record<string, string>> | undefined
  /** The length of the plaintext in bytes, if the envelope records it. */
  readonly unencryptedContentLength?: number | undefined
  /** What a verification compared: see `CryptoBucket.verify`. */
  readonly verification?: 'crc64' | 'length' | 'aead' | undefined
  /** The bytes of plaintext that a verification read, also if it then failed. */
  readonly readBytes?: number | undefined
  /** The bytes of the plaintext of a sealed object that are at fault: offsets, both inclusive. */
  readonly byteRange?: { readonly start: number; readonly end: number } | undefined
  /** The headers that the object had, and that could not be given to its new content. */
  readonly notCarried?: readonly string[] | undefined
  /** How often somebody else wrote to the key meanwhile, so that it was judged again. Absent if nobody did. */
  readonly races?: number | undefined
  /**
   * True if it is not known what the last write left at the key, because its check failed too. It may hide a newer version. Retry
   * the object in the same run.
   */
  readonly unsettled?: boolean | undefined
}

const Text = v.optional(v.string())
const Bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const ROW = v.pipe(
  v.strictObject({
    key: Text,
    keyHash: Text,
    outcome: v.picklist(REPORT_OUTCOMES),
    code: v.optional(v.custom<CseErrorCode>((code) => /^ERR_CSE_[A-Z0-9_]+$/.test(String(code)))),
    serviceCode: Text,
    requestId: Text,
    sizeBytes: Bytes,
    lastModified: v.pipe(v.string(), v.isoTimestamp()),
    versionId: Text,
    objectType: Text,
    storageClass: Text,
    needsRestore: v.optional(v.boolean()),
    envelopeVersion: v.optional(v.picklist([1, 2])),
    format: v.optional(v.picklist(['aes-ctr', 'sealed'])),
    wrapAlgorithm: Text,
    materialDescription: v.optional(v.record(v.string(), v.string())),
    unencryptedContentLength: v.optional(Bytes),
    verification: v.optional(v.picklist(['crc64', 'length', 'aead'])),
    readBytes: v.optional(Bytes),
    byteRange: v.optional(v.strictObject({ start: Bytes, end: Bytes })),
    notCarried: v.optional(v.array(v.string())),
    races: v.optional(Bytes),
    unsettled: v.optional(v.boolean()),
  }),
  v.check(({ key, keyHash }) => (key === undefined) !== (keyHash === undefined)),
) satisfies v.GenericSchema<unknown, ReportRow>

/** The names of all fields of a row, in the order of their columns. */
export const REPORT_FIELDS: readonly (keyof ReportRow)[] = Object.keys(
  ROW.pipe[0].entries,
) as (keyof (typeof ROW.pipe)[0]['entries'])[]

/**
 * Reads a line of a report.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a line that is no row
 */
export function parseRow(line: string): ReportRow {
  const row = v.safeParse(ROW, parseJson(line))
  if (row.success) return row.output
  const [issue] = row.issues
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `Invalid line of a report: ${v.getDotPath(issue) ?? 'it'} is not valid.`,
  )
}

/** Formats a row as one line of JSON, without the end of the line. Fields that are absent are left out. */
export function formatRow(row: ReportRow): string {
  const fields = REPORT_FIELDS.filter((field) => row[field] !== undefined).map((field) => [field, row[field]])
  return JSON.stringify(Object.fromEntries(fields))
}

/** Returns undefined, which no line contains, for a text that is not JSON. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
