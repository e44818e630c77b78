import { expect, test } from 'vitest'
import { CseError, TransportError, unwrapFailed } from './errors.ts'

test('an error of another copy of the package is recognised, anything else is not', () => {
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

test('a transport error is a CseError that tells the service’s side of it', () => {
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

test('a failed unwrap has one message and no cause', () => {
  expect(unwrapFailed().message).toBe(unwrapFailed().message)
  expect(unwrapFailed().cause).toBeUndefined()
})
