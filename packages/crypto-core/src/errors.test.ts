import { expect, test } from 'vitest'
import { CseError, TransportError, unwrapFailed } from './errors.ts'

test('an error of another copy of the package is recognised, and no other value', () => {
  const foreign = Object.assign(new Error('x'), {
    [Symbol.for('oss-cse.error')]: true,
    code: 'ERR_CSE_INTEGRITY',
  })
  expect(CseError.isInstance(foreign)).toBe(true)
  expect(TransportError.isInstance(foreign)).toBe(false)
  for (const value of [undefined, null, 'ERR_CSE_INTEGRITY', new Error('x'), { code: 'ERR_CSE_INTEGRITY' }]) {
    expect(CseError.isInstance(value)).toBe(false)
  }
})

test('a transport error is a CseError with the details of the service', () => {
  const error = new TransportError('ERR_CSE_NOT_FOUND', 'gone', {
    status: 404,
    requestId: 'R',
    ec: 'E',
    serviceCode: 'NoSuchKey',
    retryable: false,
  })
  expect(CseError.isInstance(error)).toBe(true)
  expect(error).toMatchObject({
    name: 'TransportError',
    status: 404,
    requestId: 'R',
    ec: 'E',
    serviceCode: 'NoSuchKey',
    retryable: false,
  })
})

const whole = new TransportError('ERR_CSE_NOT_MODIFIED', 'not modified', {
  cause: new Error('underneath'),
  objectKey: 'a',
  byteRange: { start: 0, end: 9 },
  status: 304,
  serviceCode: 'NotModified',
  requestId: 'R',
  ec: 'E',
  headers: { etag: '"1"' },
  qosDelayMs: 5,
  connected: true,
  retryable: false,
  retriesExhausted: true,
})
const shown = (error: TransportError) => ({ ...error, message: error.message, cause: error.cause })

test('a copy of a transport error keeps every field, including the cause, and takes the overrides', () => {
  expect(shown(TransportError.with(whole, {}))).toEqual(shown(whole))
  const overrides = {
    code: 'ERR_CSE_NETWORK',
    message: 'lost',
    cause: new Error('another'),
    objectKey: 'b',
    byteRange: { start: 10, end: 19 },
    status: 200,
    serviceCode: 'Other',
    requestId: 'R2',
    ec: 'E2',
    headers: {},
    qosDelayMs: 6,
    connected: false,
    retryable: true,
    retriesExhausted: false,
  } as const
  const copy = TransportError.with(whole, overrides)
  expect(TransportError.isInstance(copy)).toBe(true)
  expect(shown(copy)).toEqual({ name: 'TransportError', ...overrides })
  expect(whole).toMatchObject({ code: 'ERR_CSE_NOT_MODIFIED', message: 'not modified', objectKey: 'a' })
})

test('a transport error of another copy of the package can be copied, even if it lacks newer fields', () => {
  const cause = new Error('underneath')
  const foreign = Object.assign(new Error('slow down', { cause }), {
    [Symbol.for('oss-cse.error')]: true,
    [Symbol.for('oss-cse.transport-error')]: true,
    code: 'ERR_CSE_THROTTLED',
    status: 503,
    retryable: true,
  })
  if (!TransportError.isInstance(foreign)) throw new Error('it is not recognised')
  const copy = TransportError.with(foreign, { objectKey: 'a' })
  expect(copy).toBeInstanceOf(TransportError)
  expect(shown(copy)).toEqual({
    name: 'TransportError',
    code: 'ERR_CSE_THROTTLED',
    message: 'slow down',
    cause,
    objectKey: 'a',
    status: 503,
    retryable: true,
    retriesExhausted: false,
  })
})

test('a failed unwrap has one message and no cause', () => {
  expect(unwrapFailed().message).toBe(unwrapFailed().message)
  expect(unwrapFailed().cause).toBeUndefined()
})
