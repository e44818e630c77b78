import { readFileSync } from 'node:fs'
import { CseError, type CseErrorCode, TransportError, type TransportErrorOptions } from '@oss-cse/crypto-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { portable, restored } from './portable-error.node.ts'

/** Sends an error as a message does. */
function crossed(error: unknown): Error {
  return restored(structuredClone(portable(error)))
}

/** All that a caller or a log can see of an error, and of its causes. */
function visible(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { message, stack, cause } = error
  return { class: error.constructor, ...error, message, stack, cause: visible(cause) }
}

/** An object with some of these fields, each with any of its values. */
function some<Fields extends object>(fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> }) {
  return fc.record(fields, { requiredKeys: [] })
}

const text = fc.string({ unit: 'binary' })
const codes = fc.constantFrom<CseErrorCode>('ERR_CSE_NETWORK', 'ERR_CSE_SERVICE', 'ERR_CSE_SOURCE_CHANGED')
const ranges = fc.record({ start: fc.nat(), end: fc.nat() }, { noNullPrototype: true })
const systemErrors = fc
  .tuple(text, some({ code: text, errno: fc.integer(), syscall: text, address: text, port: fc.nat() }))
  .map(([message, fields]) => Object.assign(new Error(message), fields))
const plainErrors = fc
  .tuple(codes, text, some({ objectKey: text, byteRange: ranges, cause: systemErrors }))
  .map(([code, message, options]) => new CseError(code, message, options))
const transportErrors = fc
  .tuple(
    codes,
    text,
    some<Omit<TransportErrorOptions, 'retryable'>>({
      status: fc.integer({ min: 100, max: 599 }),
      serviceCode: text,
      requestId: text,
      ec: text,
      headers: fc.dictionary(text, text, { noNullPrototype: true }),
      qosDelayMs: fc.nat(),
      connected: fc.boolean(),
      retriesExhausted: fc.boolean(),
      objectKey: text,
      byteRange: ranges,
      cause: fc.oneof(systemErrors, plainErrors),
    }),
    fc.boolean(),
  )
  .map(([code, message, options, retryable]) => new TransportError(code, message, { ...options, retryable }))

describe('an error that crosses threads', () => {
  test('keeps its class, its message, all its fields and its causes', () => {
    fc.assert(
      fc.property(fc.oneof(systemErrors, plainErrors, transportErrors), (error) => {
        const after = crossed(error)
        expect(visible(after)).toEqual(visible(error))
        expect(CseError.isInstance(after)).toBe(CseError.isInstance(error))
        expect(TransportError.isInstance(after)).toBe(TransportError.isInstance(error))
      }),
    )
  })

  test('has no field that was not set', () => {
    const bare = [
      new TransportError('ERR_CSE_NETWORK', 'reset', { retryable: true }),
      new CseError('ERR_CSE_SOURCE', 'failed'),
      new Error('failed'),
    ]
    for (const error of bare) {
      const after = crossed(error)
      expect(Object.keys(after).sort()).toEqual(Object.keys(error).sort())
      expect('cause' in after).toBe(false)
    }
  })

  test('has its control characters escaped once, even after two crossings', () => {
    const message = 'line\n\u001b[31mred\\x0a \u202e'
    const error = new TransportError('ERR_CSE_SERVICE', message, {
      retryable: false,
      serviceCode: 'a\nb',
      requestId: 'c\nd',
      ec: 'e\nf',
      objectKey: 'g\nh',
    })
    const { message: sent, serviceCode, requestId, ec, objectKey } = crossed(crossed(error)) as TransportError
    expect(sent).toBe('line\\x0a\\x1b[31mred\\x0a \\u{202e}')
    expect({ serviceCode, requestId, ec }).toEqual({
      serviceCode: 'a\\x0ab',
      requestId: 'c\\x0ad',
      ec: 'e\\x0af',
    })
    expect(objectKey).toBe('g\nh')
  })

  test('keeps the code, number and call of the system error that caused it', () => {
    let failure: unknown
    try {
      readFileSync('/nonexistent/file')
    } catch (error) {
      failure = error
    }
    const after = crossed(new CseError('ERR_CSE_SOURCE', 'failed', { cause: failure }))
    const { errno, message } = failure as NodeJS.ErrnoException
    expect(after.cause).toMatchObject({ code: 'ENOENT', syscall: 'open', errno, message })
  })

  test.each([
    ['a text', 'stop', 'stop'],
    ['a number', 7, '7'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a symbol', Symbol('stop'), 'Symbol(stop)'],
    ['an object', { toString: () => 'described' }, 'described'],
  ])('is an Error even if %s was thrown', (_what, thrown, message) => {
    expect(crossed(thrown)).toMatchObject({ message })
    expect(crossed(thrown)).toBeInstanceOf(Error)
  })

  test.each([
    ['another library', () => new Error('failed')],
    ['this one', () => new CseError('ERR_CSE_SOURCE', 'failed')],
    ['a transport', () => new TransportError('ERR_CSE_NETWORK', 'failed', { retryable: true })],
  ])('crosses without the fields that cannot be sent, or are unknown: of %s', (_whose, make) => {
    const unknown = { request: { end: () => {} }, agent: new WeakMap(), config: { secret: 'k' } }
    const error = Object.assign(make(), unknown)
    expect(() => structuredClone({ ...error })).toThrow()
    const { stack } = error
    expect(visible(crossed(error))).toEqual({ ...(visible(make()) as object), stack })
    expect(crossed(new Error('outer', { cause: error })).cause).toMatchObject({ message: 'failed' })
  })

  test.each(['code', 'errno', 'syscall', 'address', 'port'])(
    'crosses if a library has something else in its field %s',
    (name) => {
      const after = crossed(Object.assign(new Error('failed'), { [name]: () => {} }))
      expect(after).toMatchObject({ message: 'failed' })
      expect(name in after).toBe(false)
    },
  )

  test('crosses even if it is its own cause', () => {
    const error = new Error('outer', { cause: new Error('inner') })
    Object.assign(error.cause as Error, { cause: error })
    expect(crossed(error)).toMatchObject({
      message: 'outer',
      cause: { message: 'inner', cause: { message: 'outer' } },
    })
  })
})
