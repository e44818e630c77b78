import type * as Signature from '@oss-cse/signature'
import { expect, it, vi } from 'vitest'
import { fakeServer, SECRETS } from '../../test/fake-server.ts'
import { OssTransport } from '../index.ts'

/** As a bundler does that does not know the condition `node`. */
vi.mock('@oss-cse/signature', async (importOriginal) => {
  const { signV1, signV4 } = await importOriginal<typeof Signature>()
  return {
    signV1: async (...given: Parameters<typeof signV1>) => signV1(...given),
    signV4: async (...given: Parameters<typeof signV4>) => signV4(...given),
  }
})

it.each([
  ['v4', /^OSS4-HMAC-SHA256 Credential=/],
  ['v1', /^OSS /],
] as const)(
  'a request has its signature (%s) where signing returns a promise',
  async (signature, expected) => {
    const server = await fakeServer((_, response) => response.end())
    const { endpoint } = server
    const region = 'cn-hangzhou'
    const transport = new OssTransport({ bucket: 'my-bucket', region, endpoint, signature, ...SECRETS })
    await transport.head({ key: 'a', headers: {} })
    expect(server.seen[0]?.headers.authorization).toMatch(expected)
  },
)
