import { compareCodePoints } from '@oss-cse/crypto-core/internal'
import fc from 'fast-check'
import type { Shard } from '../src/shard.ts'
import { KINDS, type KindName, type Mishap, type MixedObject } from './mixed-bucket.ts'

const MISHAPS: readonly Mishap[] = ['none', 'none', 'none', 'vanishes', 'breaks', 'breaks-once']

/** Keys with everything that a report, a table or a spreadsheet could misunderstand. */
export const arbitraryKey: fc.Arbitrary<string> = fc
  .string({
    unit: fc.constantFrom(
      'a',
      'B',
      '/',
      '=',
      ',',
      ';',
      '"',
      "'",
      '\n',
      '\r',
      '\t',
      '\u{1b}',
      'é',
      '😀',
      '\uffee',
      ' ',
    ),
    minLength: 1,
    maxLength: 6,
  })
  .filter((key) => key !== '')

/** Objects of all kinds with different keys, and shards that cover them: any keys can be ends of ranges. */
export const arbitraryBucket: fc.Arbitrary<{
  readonly objects: readonly MixedObject[]
  readonly shards: readonly Shard[]
}> = fc
  .record({
    objects: fc.uniqueArray(
      fc.record({
        key: arbitraryKey,
        kind: fc.constantFrom(...(Object.keys(KINDS) as KindName[])),
        mishap: fc.constantFrom(...MISHAPS),
        sizeBytes: fc.integer({ min: 2, max: 300 }),
      }),
      { selector: ({ key }) => key, maxLength: 12 },
    ),
    ends: fc.uniqueArray(arbitraryKey, { maxLength: 3 }),
  })
  .map(({ objects, ends }) => ({
    objects: [...objects].sort((a, b) => compareCodePoints(a.key, b.key)),
    shards: shardsBetween(ends),
  }))

/** Shards that end at these keys, and a last one without an end. */
export function shardsBetween(ends: readonly string[]): readonly Shard[] {
  const sorted = [...ends].sort(compareCodePoints)
  return [...sorted, undefined].map((until, index) => ({ index, after: sorted[index - 1], until }))
}
