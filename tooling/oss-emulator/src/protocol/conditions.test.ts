import { describe, expect, it } from 'vitest'
import { type Conditions, judgeConditions } from './conditions.ts'
import { OssError } from './oss-error.ts'

const OBJECT = { etag: 'AB', lastModified: '2026-01-02T00:00:00.000Z' }
const BEFORE = 'Thu, 01 Jan 2026 00:00:00 GMT'
const AFTER = 'Sat, 03 Jan 2026 00:00:00 GMT'

function judge(conditions: Partial<Conditions>): ReturnType<typeof judgeConditions> {
  const none = { ifMatch: undefined, ifNoneMatch: undefined }
  const dates = { ifModifiedSince: undefined, ifUnmodifiedSince: undefined }
  return judgeConditions({ ...none, ...dates, ...conditions }, OBJECT)
}

describe('a date counts only without the corresponding ETag condition', () => {
  it('If-Modified-Since is ignored if there is an If-None-Match', () => {
    expect(judge({ ifModifiedSince: AFTER })).toBe('not-modified')
    expect(judge({ ifModifiedSince: AFTER, ifNoneMatch: '"CD"' })).toBe('proceed')
    expect(judge({ ifModifiedSince: BEFORE, ifNoneMatch: '"AB"' })).toBe('not-modified')
  })

  it('If-Unmodified-Since is ignored if there is an If-Match', () => {
    expect(() => judge({ ifUnmodifiedSince: BEFORE })).toThrow(OssError)
    expect(judge({ ifUnmodifiedSince: BEFORE, ifMatch: '"AB"' })).toBe('proceed')
    expect(() => judge({ ifUnmodifiedSince: AFTER, ifMatch: '"CD"' })).toThrow(OssError)
  })

  it('the other date still counts', () => {
    expect(judge({ ifMatch: '"AB"', ifModifiedSince: AFTER })).toBe('not-modified')
    expect(() => judge({ ifNoneMatch: '"CD"', ifUnmodifiedSince: BEFORE })).toThrow(OssError)
  })
})
