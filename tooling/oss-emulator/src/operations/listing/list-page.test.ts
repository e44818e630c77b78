import { describe, expect, it } from 'vitest'
import { compareBytes } from '../../storage/compare-bytes.ts'
import { listPage } from './list-page.ts'

const KEYS = ['a', 'a/1', 'a/2', 'b', 'b/1', 'c', '\ufffd', '\u{10000}'].sort(compareBytes)
const ALL = { prefix: '', delimiter: '', after: '', limit: 100 }

describe('a page of a list', () => {
  it('is in UTF-8 byte order, even beyond the basic plane', () => {
    const bytes = (key: string): string => Buffer.from(key).toString('hex')
    const { entries } = listPage(KEYS, ALL)
    expect(entries.map(bytes)).toEqual(KEYS.map(bytes).sort())
  })

  it('groups keys into common prefixes, each listed once', () => {
    const page = listPage(KEYS, { ...ALL, delimiter: '/' })
    expect(page.commonPrefixes).toEqual(['a/', 'b/'])
    expect(page.entries).toEqual(['a', 'b', 'c', '\ufffd', '\u{10000}'])
  })

  it.each([1, 2, 3, 4])('continues without gaps or repeats in pages of %d', (limit) => {
    for (const delimiter of ['', '/']) {
      const whole = listPage(KEYS, { ...ALL, delimiter })
      const seen: string[] = []
      let after: string | undefined = ''
      while (after !== undefined) {
        const page: ReturnType<typeof listPage> = listPage(KEYS, { ...ALL, delimiter, after, limit })
        seen.push(...page.entries, ...page.commonPrefixes)
        after = page.nextMarker
      }
      expect(seen.sort(compareBytes)).toEqual([...whole.entries, ...whole.commonPrefixes].sort(compareBytes))
    }
  })

  it('contains only keys with the prefix and after the marker', () => {
    expect(listPage(KEYS, { ...ALL, prefix: 'a/' }).entries).toEqual(['a/1', 'a/2'])
    expect(listPage(KEYS, { ...ALL, prefix: 'a/', after: 'a/1' }).entries).toEqual(['a/2'])
    expect(listPage(KEYS, { ...ALL, prefix: 'a/', after: 'b' }).entries).toEqual([])
  })
})
