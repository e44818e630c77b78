import { describe, expect, test } from 'vitest'
import { decodeBase64 } from './bytes.ts'
import { decodeEnvelope } from './envelope-codec.ts'
import { isErrorDocument, parseErrorDocument } from './error-document.ts'
import { metadataHeaders } from './header-map.ts'
import { V1_HEADERS, V2_HEADERS } from './headers.ts'
import { parseMaterialDescription } from './material-description.ts'
import { parseRange, sliceResponse } from './range-plan.ts'
import { parseV1Start } from './v1-start.ts'

/** With this length, quadratic work exceeds the time limit of all tests, and linear work takes milliseconds. */
const LENGTH = 1_000_000
const code = (value: string) => expect.objectContaining({ code: value })
const bytes = (text: string) => new TextEncoder().encode(text)

describe('texts of a million characters take linear time', () => {
  test.each([
    ['digits', '9'],
    ['hyphens', '-'],
    ['spaces', ' '],
    ['digits and hyphens', '0-'],
    ['prefixes', 'bytes='],
  ])('a range of only %s is refused', (_name, unit) => {
    const pumped = unit.repeat(LENGTH / unit.length)
    for (const text of [pumped, `bytes=${pumped}`, `${pumped}!`, `0-${pumped}!`]) {
      expect(() => parseRange(text)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
    }
  })

  test('a range with long numbers is cut to the largest offset', () => {
    const digits = '9'.repeat(LENGTH)
    expect(parseRange(`0-${digits}`)).toEqual({ start: 0, end: Number.MAX_SAFE_INTEGER - 16 })
    expect(() => parseRange(`${digits}-`)).toThrow(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
  })

  test.each(['0', '*', '-', '0/', ' ', '/'])('a Content-Range of only %j is refused', (unit) => {
    const headers = { 'content-range': `bytes ${unit.repeat(LENGTH / unit.length)}!` }
    expect(() => sliceResponse({ start: 0 }, { status: 206, headers })).toThrow(code('ERR_CSE_INTEGRITY'))
  })

  test.each(['0', ' ', '0x', '9.'])('a Content-Length of only %j is refused', (unit) => {
    const headers = { 'content-length': `1${unit.repeat(LENGTH / unit.length)}!` }
    expect(() => sliceResponse(undefined, { status: 200, headers })).toThrow(code('ERR_CSE_INTEGRITY'))
  })

  test.each([
    ['brackets', '['],
    ['braces', '{"a":'],
    ['spaces and no more', ' '],
    ['escapes', '\\u0041'],
    ['bytes of UTF-8', '\u00c3\u00bc'],
  ])('a material description of only %s is damaged or empty', (_name, unit) => {
    const text = unit.repeat(LENGTH / unit.length)
    if (unit === ' ') expect(parseMaterialDescription(text)).toEqual({})
    else expect(() => parseMaterialDescription(text)).toThrow(code('ERR_CSE_ENVELOPE_DAMAGED'))
    expect(() => parseMaterialDescription(`{"a":"${unit.repeat(2)}`)).toThrow(
      code('ERR_CSE_ENVELOPE_DAMAGED'),
    )
  })

  test('a material description of many pairs is parsed', () => {
    const pairs = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`name ${i}`, 'ü']))
    expect(parseMaterialDescription(JSON.stringify(pairs))).toEqual(pairs)
  })

  test('an envelope with long fields is decoded, and damaged if a number is long', () => {
    const long = 'A'.repeat(LENGTH)
    const headers = {
      [V2_HEADERS.wrappedCek]: long,
      [V2_HEADERS.wrappedIv]: long,
      [V2_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding',
      [V2_HEADERS.wrapAlgorithm]: long,
    }
    expect(decodeEnvelope(headers)).toMatchObject({ wrappedCek: long, wrapAlgorithm: long })
    for (const name of [V2_HEADERS.dataSize, V2_HEADERS.partSize, V2_HEADERS.unencryptedContentLength]) {
      for (const value of ['9'.repeat(LENGTH), `${'0'.repeat(LENGTH)}!`, ' '.repeat(LENGTH)]) {
        expect(() => decodeEnvelope({ ...headers, [name]: value })).toThrow(code('ERR_CSE_ENVELOPE_DAMAGED'))
      }
    }
  })

  test('an envelope among many headers is found', () => {
    const others = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, i) => [`X-Oss-Meta-Client-Side-Encryptio-${i}`, 'x']),
    )
    expect(decodeEnvelope(others)).toBeUndefined()
    expect(() => decodeEnvelope({ ...others, [V1_HEADERS.wrappedCek]: 'a' })).toThrow(
      code('ERR_CSE_ENVELOPE_DAMAGED'),
    )
  })

  test.each([
    ' '.repeat(LENGTH),
    `<?xml${'?'.repeat(LENGTH)}`,
    '<?xml >'.repeat(LENGTH / 7),
    `<${'a'.repeat(LENGTH)}`,
    `<Error>${'<Code>'.repeat(LENGTH / 6)}`,
    `<Error>${'<Code>a</Cod'.repeat(LENGTH / 12)}`,
    `<Error><Code>${'&'.repeat(LENGTH)}</Code>`,
  ])('a body that is not a valid error document has no fields', (text) => {
    expect(parseErrorDocument(bytes(text))).toEqual({})
    expect(isErrorDocument(bytes(text))).toBe(text.startsWith('<Error'))
  })

  test.each(['A', 'A=', '=', 'AAAA', '\n', '+/'])('base64 of only %j is too long', (unit) => {
    expect(decodeBase64(unit.repeat(LENGTH / unit.length))).toBeUndefined()
    expect(decodeBase64(`${unit.repeat(60_000 / unit.length)}!`)).toBeUndefined()
  })

  test('a start value and metadata of that length are refused', () => {
    expect(parseV1Start('1'.repeat(LENGTH))).toBeUndefined()
    for (const [name, value] of [
      [`${'a-'.repeat(LENGTH / 2)}!`, ''],
      ['a', `${' '.repeat(LENGTH)}a`],
      ['a', `${'a '.repeat(LENGTH / 2)}`],
    ] as const) {
      expect(() => metadataHeaders({ [name]: value })).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
    }
  })
})
