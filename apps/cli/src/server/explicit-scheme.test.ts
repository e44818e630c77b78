import { describe, expect, test } from 'vitest'
import { requireScheme } from './explicit-scheme.ts'

describe('an endpoint without a scheme', () => {
  test.each(['localhost', 'localhost:9000', '127.0.0.1:9000', '10.0.0.5', '[::1]:9000', 'LOCALHOST:1'])(
    '%s is refused, and told both schemes',
    (endpoint) => {
      expect(() => requireScheme(endpoint, '--endpoint')).toThrow(
        expect.objectContaining({
          kind: 'configuration',
          message: expect.stringMatching(/^--endpoint is .*http:\/\/ or https:\/\//),
        }),
      )
    },
  )

  test.each([
    undefined,
    'oss-cn-hangzhou.aliyuncs.com',
    'localhost.example.org:9000',
    'http://localhost:9000',
    'https://127.0.0.1',
    'not an address',
  ])('%s is accepted', (endpoint) => {
    expect(() => requireScheme(endpoint, '--endpoint')).not.toThrow()
  })
})
