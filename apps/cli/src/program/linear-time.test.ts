import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { inWords } from '../output/library-words.ts'
import { parseOssUrl, parsePrefixUrl, parseTargetUrl } from '../server/oss-url.ts'
import { isLocal } from '../server/server-options.ts'
import { MemoryServer, run } from '../testing/shell.ts'
import { parseSize } from '../transfer/parse-size.ts'
import { expandMeta } from './expand-meta.ts'

/** So long that work which grows with the square of it meets the time limit of all tests, and linear work takes milliseconds. */
const LENGTH = 1_000_000
const pumped = (unit: string) => unit.repeat(Math.ceil(LENGTH / unit.length))
const directory = mkdtempSync(join(tmpdir(), 'oss-cse-linear-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('arguments of a million characters take time in proportion to their length', () => {
  test.each(['a', '/', '.', '../', ' ', 'oss://', '-', '\n', '\u{1f600}'])(
    'an address of nothing but %j',
    (unit) => {
      const key = pumped(unit)
      expect(parseOssUrl(`oss://demo/${key}`)).toEqual({ bucket: 'demo', key })
      expect(() => parseOssUrl(key)).toThrow()
      expect(() => parseOssUrl(`oss://${key}`)).toThrow()
      for (const parse of [
        () => parsePrefixUrl(`oss://demo/${key}`, 'x'),
        () => parseTargetUrl(`oss://demo/${key}/`, 'b'),
      ]) {
        expect(parse()).toMatchObject({ bucket: 'demo' })
      }
    },
  )

  test.each(['0', '9', 'k', 'kib', ' ', '0kib'])('a size of nothing but %j', (unit) => {
    for (const text of [`${pumped(unit)}!`, `1${pumped(unit)}`]) {
      expect(() => parseSize(text)).toThrow(/whole number of bytes/)
    }
  })

  test('a hundred thousand metadata pairs are distinguished from a file', () => {
    const pairs = Array.from({ length: 100_000 }, (_, i) => `k${i}=v`)
    expect(expandMeta(['put', '--meta', ...pairs, 'file'])).toHaveLength(200_002)
    expect(expandMeta(['put', '--meta', `${pumped('a-')}=`, pumped('a')])).toHaveLength(4)
  })

  test.each(['`', '`a', '`a: ', '`a: "', '"', 'a', '`a`'])('a message of nothing but %j', (unit) => {
    expect(inWords(pumped(unit), {})).toBe(pumped(unit))
  })

  test.each(['a', '.', '127.', '[', ':', '@', '/'])('an endpoint of nothing but %j is not local', (unit) => {
    expect(isLocal(`http://${pumped(unit)}`)).toBe(false)
  })

  test.each(['a', 'a*', '*', ' '])('an origin of nothing but %j, and a space, is refused', async (unit) => {
    const argv = ['emulator', '--cors-origin', `${pumped(unit)} `]
    expect((await run(new MemoryServer(), argv)).code).toBe(2)
  })

  test.each([
    ['brackets', pumped('[')],
    ['objects', pumped('{"materials":')],
    ['spaces', pumped(' ')],
    [
      'materials',
      `{"encrypting":"a","materials":{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":{"type":"x"}`).join()}}}`,
    ],
    [
      'unknown fields',
      `{"encrypting":"a","materials":{},${Array.from({ length: 50_000 }, (_, i) => `"k${i}":1`).join()}}`,
    ],
    [
      'names',
      `{"encrypting":"a","materials":{},"undescribed":[${Array.from({ length: 50_000 }, () => '"a"').join()}]}`,
    ],
  ])('a keyring file of nothing but %s', async (_name, text) => {
    const path = join(directory, 'keyring.json')
    writeFileSync(path, text)
    expect((await run(new MemoryServer(), ['ls', 'oss://demo', '--keyring', path])).code).toBeGreaterThan(0)
    expect((await run(new MemoryServer(), ['cat', 'oss://demo/a', '--keyring', path])).code).toBe(3)
  })
})
