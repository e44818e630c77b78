import { compareCodePoints } from '@oss-cse/crypto-core/internal'
import fc from 'fast-check'
import { REPORT_OUTCOMES, type ReportRow } from '../src/report/report-row.ts'
import type { Shard } from '../src/shard.ts'
import { arbitraryKey, shardsBetween } from './arbitrary-objects.ts'

const bytes = fc.nat({ max: 2 ** 40 })
const text = fc.string({ unit: 'grapheme', maxLength: 5 })
/** Names that are special in JavaScript are left out by valibot. */
const description = fc.dictionary(fc.constantFrom('key', 'ü', '=1+1'), text, { maxKeys: 2 })

/** A row with any of its fields. */
export const arbitraryRow: fc.Arbitrary<ReportRow & { readonly key: string }> = fc.record(
  {
    key: arbitraryKey,
    outcome: fc.constantFrom(...REPORT_OUTCOMES),
    sizeBytes: bytes,
    lastModified: fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
      .map((date) => date.toISOString()),
    code: fc.constantFrom('ERR_CSE_INTEGRITY', 'ERR_CSE_NETWORK'),
    serviceCode: text,
    requestId: text,
    versionId: text,
    objectType: text,
    storageClass: text,
    needsRestore: fc.boolean(),
    envelopeVersion: fc.constantFrom(1 as const, 2 as const),
    format: fc.constantFrom('aes-ctr' as const, 'sealed' as const),
    wrapAlgorithm: text,
    materialDescription: description,
    unencryptedContentLength: bytes,
    verification: fc.constantFrom('crc64' as const, 'length' as const, 'aead' as const),
    readBytes: bytes,
    byteRange: fc.record({ start: bytes, end: bytes }),
    notCarried: fc.array(fc.string()),
    races: bytes,
    unsettled: fc.boolean(),
  },
  { requiredKeys: ['key', 'outcome', 'sizeBytes', 'lastModified'], noNullPrototype: true },
)

/** The rows of a run, by shard. */
export const arbitraryRun: fc.Arbitrary<
  readonly { readonly shard: Shard; readonly rows: readonly ReportRow[] }[]
> = fc
  .record({
    rows: fc.uniqueArray(arbitraryRow, { selector: ({ key }) => key, maxLength: 15 }),
    ends: fc.uniqueArray(arbitraryKey, { maxLength: 4 }),
  })
  .map(({ rows, ends }) => {
    const sorted = [...rows].sort((a, b) => compareCodePoints(a.key, b.key))
    return shardsBetween(ends).map((shard) => ({ shard, rows: sorted.filter(({ key }) => isIn(shard, key)) }))
  })

function isIn({ after, until }: Shard, key: string): boolean {
  return (
    (after === undefined || compareCodePoints(key, after) > 0) &&
    (until === undefined || compareCodePoints(key, until) <= 0)
  )
}
