import { EXPOSED_HEADERS, MAX_CORS_RULES } from '@oss-cse/crypto-core/internal'
import type { CorsRule } from '@oss-cse/transport-oss'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkOrigin, covers, overlap } from './cors-origin.ts'
import { corsGaps, neededRule, withRule } from './cors-rules.ts'

const APP = 'https://app.example'
const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD']
const needed = neededRule([APP], ['Colour'])
const EVERYTHING = [...EXPOSED_HEADERS, 'x-oss-meta-colour']

describe('the needed rule', () => {
  test('allows what CryptoBucket sends, and exposes its headers and the user metadata without a wildcard', () => {
    expect(neededRule([APP, 'http://localhost:*', APP], ['Colour', 'colour-2'])).toEqual({
      allowedOrigins: [APP, 'http://localhost:*'],
      allowedMethods: METHODS,
      allowedHeaders: ['*'],
      exposeHeaders: [...EVERYTHING, 'x-oss-meta-colour-2'],
      maxAgeSeconds: 600,
    })
  })

  test('names metadata once, in any case', () => {
    expect(neededRule([APP], ['a', 'A']).exposeHeaders).toEqual([...EXPOSED_HEADERS, 'x-oss-meta-a'])
  })

  test.each(['a b', 'x_y', '', 'client-side-encryption-key', '__proto__'])(
    'is refused with the metadata name %j',
    (name) => {
      expect(() => neededRule([APP], [name])).toThrow('Invalid user metadata')
    },
  )
})

describe('an origin', () => {
  test.each([
    '*',
    APP,
    'https://*.example',
    'http://localhost:*',
    'http://localhost:5173',
    'https://[::1]:3000',
    'capacitor://localhost',
    'chrome-extension://abcdefghijklmnop',
  ])('can be %s', (origin) => {
    expect(() => checkOrigin(origin)).not.toThrow()
  })

  test.each([
    ['https://app.example/', APP],
    ['https://app.example/page?a#b', APP],
    ['https://APP.example', APP],
    ['https://app.example:443', APP],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['app.example', 'https://app.example'],
    ['null', 'https://app.example'],
    ['', 'https://app.example'],
    ['https://', 'https://app.example'],
    ['https://*.*.example', 'https://app.example'],
    ['https://a b', 'https://app.example'],
    ['oss://bucket', 'before the options'],
  ])('cannot be %j, and the error says what to write', (origin, advice) => {
    expect(() => checkOrigin(origin)).toThrow(advice)
  })
})

/** Patterns and origins over so few characters that many of them match. */
const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 })
const pattern = fc.oneof(
  text,
  fc.tuple(text, text).map(([before, after]) => `${before}*${after}`),
)
const allows = (rule: string, origin: string) => new RegExp(`^${rule.replace('*', '.*')}$`).test(origin)
const origins = Array.from({ length: 511 }, (_, i) =>
  (i + 1).toString(2).slice(1).replaceAll('0', 'a').replaceAll('1', 'b'),
)

test('a pattern covers another one if it allows all of its origins, and overlaps it if it allows some', () => {
  fc.assert(
    fc.property(pattern, pattern, (one, other) => {
      const ofOther = origins.filter((origin) => allows(other, origin))
      expect(covers(one, other)).toBe(ofOther.every((origin) => allows(one, origin)))
      expect(overlap(one, other)).toBe(ofOther.some((origin) => allows(one, origin)))
      expect(overlap(other, one)).toBe(overlap(one, other))
    }),
  )
})

const rule = (changes: Partial<CorsRule> = {}): CorsRule => ({ ...needed, ...changes })

describe('what the rules of a bucket lack', () => {
  test('is nothing with the needed rule, nor with one that allows more', () => {
    const wider = rule({ allowedOrigins: ['https://*'], exposeHeaders: [...EVERYTHING, 'x'] })
    for (const rules of [[needed], [wider], [rule({ allowedOrigins: ['https://b.example'] }), needed]]) {
      expect(corsGaps(rules, needed)).toEqual([])
    }
  })

  test('is nothing whatever the case of the exposed headers', () => {
    const upper = rule({ exposeHeaders: EVERYTHING.map((name) => name.toUpperCase()) })
    expect(corsGaps([upper], needed)).toEqual([])
  })

  test('is each method that no rule allows for the origin', () => {
    expect(corsGaps([], needed)).toEqual([{ origin: APP, methods: METHODS, lacks: 'method' }])
    const rules = [rule({ allowedMethods: ['GET', 'HEAD'] }), rule({ allowedOrigins: ['https://b.example'] })]
    const lacking = [{ origin: APP, methods: ['PUT', 'POST', 'DELETE'], lacks: 'method' }]
    expect(corsGaps(rules, needed)).toEqual(lacking)
  })

  test('is that request headers are not allowed', () => {
    const lacking = [{ origin: APP, methods: METHODS, lacks: 'headers' }]
    expect(corsGaps([rule({ allowedHeaders: ['x-oss-*'] })], needed)).toEqual(lacking)
  })

  test.each(EVERYTHING)('is the header %s, if it is not exposed', (name) => {
    const exposeHeaders = EVERYTHING.filter((exposed) => exposed !== name)
    const lacking = [{ origin: APP, methods: METHODS, lacks: 'expose', exposeHeaders: [name] }]
    expect(corsGaps([rule({ exposeHeaders })], needed)).toEqual(lacking)
  })

  test('is what the first rule that allows a request hides, whatever a later one exposes', () => {
    const first = rule({ allowedMethods: ['GET'], exposeHeaders: ['etag'] })
    const exposeHeaders = EVERYTHING.filter((name) => name !== 'etag')
    expect(corsGaps([first, needed], needed)).toEqual([
      { origin: APP, methods: ['GET'], lacks: 'expose', exposeHeaders },
    ])
    expect(corsGaps([needed, first], needed)).toEqual([])
  })

  test('is what an earlier rule hides from some of the origins that a pattern stands for', () => {
    const some = rule({ allowedOrigins: ['https://a.example'], exposeHeaders: [] })
    const all = neededRule(['https://*.example'], [])
    expect(corsGaps([some, all], all)).toMatchObject([{ lacks: 'expose', exposeHeaders: EXPOSED_HEADERS }])
    expect(corsGaps([all, some], all)).toEqual([])
  })
})

describe('a needed rule that is added', () => {
  const bucketRule = fc.record({
    allowedOrigins: fc.array(fc.constantFrom('*', 'https://*', 'https://a', 'https://b', 'https://*b'), {
      minLength: 1,
    }),
    allowedMethods: fc.subarray(METHODS, { minLength: 1 }),
    allowedHeaders: fc.subarray(['*', 'range']),
    exposeHeaders: fc.subarray(['etag', 'x-oss-meta-a', 'x-custom', 'X-Other']),
  })
  const rules = fc.array(bucketRule, { maxLength: 5 })
  const wanted = fc.subarray(['https://a', 'https://b', 'https://*', '*'], { minLength: 1 })
  const firstFor = (all: readonly CorsRule[], origin: string, method: string) =>
    all.find(
      ({ allowedOrigins, allowedMethods }) =>
        allowedMethods.includes(method) && allowedOrigins.some((one) => allows(one, origin)),
    )

  test('leaves no gap, takes nothing from any page, and is not needed twice', () => {
    fc.assert(
      fc.property(rules, wanted, fc.boolean(), (before, pages, responseVary) => {
        const added = neededRule(pages, [])
        const after = withRule({ rules: before, responseVary }, added)
        expect(corsGaps(after.rules, added)).toEqual([])
        expect(after.responseVary).toBe(responseVary)
        for (const origin of ['https://a', 'https://b', 'https://c', 'https://ab', 'http://a']) {
          for (const method of METHODS) {
            const old = firstFor(before, origin, method)
            if (old === undefined) continue
            const now = firstFor(after.rules, origin, method)
            const exposed = now?.exposeHeaders.map((name) => name.toLowerCase()) ?? []
            expect(exposed).toEqual(
              expect.arrayContaining(old.exposeHeaders.map((name) => name.toLowerCase())),
            )
          }
        }
        const twice = withRule(after, added)
        expect(twice).toEqual(after)
      }),
    )
  })

  test('does not change the rules of other origins', () => {
    const other = rule({ allowedOrigins: ['https://b.example'], maxAgeSeconds: 5 })
    const { rules: after } = withRule({ rules: [other], responseVary: true }, needed)
    expect(after).toEqual([needed, other])
  })

  test('takes the place of a rule for the same origins, and no place of its own', () => {
    const other = (number: number) => rule({ allowedOrigins: [`https://${number}.example`] })
    const others = Array.from({ length: MAX_CORS_RULES - 1 }, (_, i) => other(i))
    const full = [...others, rule({ exposeHeaders: [] })]
    expect(withRule({ rules: full, responseVary: false }, needed).rules).toEqual([needed, ...others])
    const tooMany = { rules: [...others, other(99)], responseVary: false }
    expect(() => withRule(tooMany, needed)).toThrow('OSS takes 20')
  })
})
