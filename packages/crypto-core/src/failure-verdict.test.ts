import { expect, test } from 'vitest'
import { isRetryableStatus, judgeFailure } from './failure-verdict.ts'

test('only 408, 429, 500, 502, 503 and 504 are retryable', () => {
  const retryable = Array.from({ length: 600 }, (_, status) => status).filter(isRetryableStatus)
  expect(retryable).toEqual([408, 429, 500, 502, 503, 504])
})

test.each([
  [503, undefined, 'ERR_CSE_THROTTLED', true],
  [501, undefined, 'ERR_CSE_SERVICE', false],
  [409, undefined, 'ERR_CSE_SERVICE', false],
  [304, undefined, 'ERR_CSE_NOT_MODIFIED', false],
  [503, 'NoSuchKey', 'ERR_CSE_NOT_FOUND', false],
  [400, 'RequestTimeout', 'ERR_CSE_TIMEOUT', true],
  [200, 'InternalError', 'ERR_CSE_SERVICE', true],
  [409, 'FileAlreadyExists', 'ERR_CSE_PRECONDITION_FAILED', false],
  [403, 'UploadTrafficRateLimitExceeded', 'ERR_CSE_THROTTLED', true],
  [403, 'constructor', 'ERR_CSE_ACCESS_DENIED', false],
  [404, 'SomethingNew', 'ERR_CSE_NOT_FOUND', false],
])('status %i with the code %s is %s', (status, serviceCode, code, retryable) => {
  expect(judgeFailure(status, serviceCode)).toEqual({ code, retryable })
})
