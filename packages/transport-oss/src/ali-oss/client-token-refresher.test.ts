import type { IncomingMessage } from 'node:http'
import OSS from 'ali-oss'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { errorXml, type FakeServer, fakeServer, rejection, signalled } from '../../test/fake-server.ts'
import { OssTransport } from '../index.ts'

// Only the date is mocked, to age a token. The timers of the connections keep running.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const token = (n: number) => ({ accessKeyId: `id${n}`, accessKeySecret: `secret${n}`, stsToken: `token${n}` })

function tokenOf(request: IncomingMessage): string {
  const id = /Credential=(id\d+)\//.exec(request.headers.authorization ?? '')?.[1]
  const sent = String(request.headers['x-oss-security-token'])
  // A key is never sent with the token of another key.
  if (id?.replace('id', 'token') !== sent) throw new Error(`${id} with ${sent}`)
  return sent
}

/** A server that accepts only one token, and a client that has the first one. */
async function clientOnto(options: object) {
  const tokens: string[] = []
  let valid = 'token1'
  const server: FakeServer = await fakeServer((request, response) => {
    tokens.push(tokenOf(request))
    if (tokens.at(-1) === valid) response.end()
    else response.writeHead(403).end(request.method === 'HEAD' ? '' : errorXml('SecurityTokenExpired'))
  })
  const client = new OSS({
    bucket: 'my-bucket',
    region: 'oss-cn-hangzhou',
    endpoint: `http://localhost:${server.port}`,
    sldEnable: true,
    authorizationV4: true,
    ...token(1),
    ...options,
  } as OSS.Options)
  return {
    client,
    tokens,
    transport: new OssTransport({ client, idleTimeoutMs: 5000 }),
    onlyValid(next: string) {
      valid = next
    },
  }
}

const get = (transport: OssTransport) => transport.get({ key: 'a', headers: {} })

it('requests that start during a token refresh wait for it and are signed with the new token', async () => {
  const asked = signalled()
  let give: (credentials: object) => void = () => {}
  const refreshSTSToken = vi.fn(() => {
    asked.tell()
    return new Promise<object>((resolve) => {
      give = resolve
    })
  })
  const { client, tokens, transport, onlyValid } = await clientOnto({
    refreshSTSToken,
    refreshSTSTokenInterval: 60_000,
  })
  await get(transport)
  vi.setSystemTime(Date.now() + 60_000)
  onlyValid('token2')
  const calls = Array.from({ length: 5 }, () => get(transport))
  const other = new OssTransport({ client })
  calls.push(get(other))
  await asked.happened
  give({ AccessKeyId: 'id2', AccessKeySecret: 'secret2', SecurityToken: 'token2' })
  await Promise.all(calls)
  expect(refreshSTSToken).toHaveBeenCalledTimes(1)
  expect(tokens).toEqual(['token1', ...Array(6).fill('token2')])
  expect((client as unknown as { options: object }).options).toMatchObject(token(2))
  await get(transport)
  expect(refreshSTSToken).toHaveBeenCalledTimes(1)
})

it('a token that the service refused is refreshed early, and the refusal is retryable', async () => {
  const refreshSTSToken = vi.fn(async () => token(2))
  const { tokens, transport, onlyValid } = await clientOnto({ refreshSTSToken })
  onlyValid('token2')
  const refused = await Promise.all(Array.from({ length: 3 }, () => rejection(get(transport))))
  for (const error of refused) {
    expect(error).toMatchObject({ code: 'ERR_CSE_CREDENTIALS_EXPIRED', status: 403, retryable: true })
  }
  await Promise.all([get(transport), get(transport)])
  expect(refreshSTSToken).toHaveBeenCalledTimes(1)
  expect(tokens.slice(3)).toEqual(['token2', 'token2'])
})

it('a refusal is final when the token cannot be refreshed, and says how to renew it', async () => {
  const { transport, onlyValid } = await clientOnto({ refreshSTSTokenInterval: 1 })
  onlyValid('token2')
  const error = await rejection(get(transport))
  expect(error).toMatchObject({ code: 'ERR_CSE_CREDENTIALS_EXPIRED', retryable: false })
  expect(String(error)).toContain('refreshSTSToken')
  expect(String(error)).not.toContain('`credentials`')
})

it.each([
  ['throws', async () => Promise.reject(new Error('no STS today')), 'no STS today'],
  ['returns no key', async () => ({ stsToken: 'x' }), 'accessKeyId'],
  ['returns nothing', async () => undefined, 'stsToken'],
])(
  'a refreshSTSToken that %s fails the waiting requests, and the next request calls it again',
  async (_, once, text) => {
    const refreshSTSToken = vi
      .fn(async (): Promise<object | undefined> => token(2))
      .mockImplementationOnce(once)
    const { tokens, transport, onlyValid } = await clientOnto({ refreshSTSToken, refreshSTSTokenInterval: 0 })
    onlyValid('token2')
    const errors = await Promise.all([rejection(get(transport)), rejection(get(transport))])
    for (const error of errors) {
      expect(error).toMatchObject({
        code: 'ERR_CSE_ACCESS_DENIED',
        cause: { message: expect.stringContaining(text) },
      })
    }
    expect(tokens).toEqual([])
    await get(transport)
    expect(tokens).toEqual(['token2'])
  },
)

it('with an interval of 0, refreshSTSToken is called once for each request', async () => {
  const refreshSTSToken = vi.fn(async () => token(1))
  const { transport } = await clientOnto({ refreshSTSToken, refreshSTSTokenInterval: 0 })
  for (let n = 1; n <= 3; n++) {
    await get(transport)
    expect(refreshSTSToken).toHaveBeenCalledTimes(n)
  }
})

it('a client without a token does not call refreshSTSToken', async () => {
  const refreshSTSToken = vi.fn(async () => token(2))
  const server = await fakeServer((_, response) => response.end())
  const { accessKeyId, accessKeySecret } = token(1)
  const options = { bucket: 'my-bucket', endpoint: `http://localhost:${server.port}`, sldEnable: true }
  const client = new OSS({ ...options, accessKeyId, accessKeySecret, refreshSTSToken } as OSS.Options)
  await get(new OssTransport({ client }))
  expect(refreshSTSToken).not.toHaveBeenCalled()
})

it('refreshSTSToken is called as a method of the options, and clients that share it have separate tokens', async () => {
  const asked: string[] = []
  async function refreshSTSToken(this: { readonly bucket: string }) {
    asked.push(this.bucket)
    return token(this.bucket === 'my-bucket' ? 2 : 3)
  }
  const options = { refreshSTSToken, refreshSTSTokenInterval: 0 }
  const mine = await clientOnto(options)
  const other = await clientOnto({ ...options, bucket: 'other-bucket' })
  mine.onlyValid('token2')
  other.onlyValid('token3')
  await Promise.all([get(mine.transport), get(other.transport)])
  expect(asked.sort()).toEqual(['my-bucket', 'other-bucket'])
  expect([mine.tokens, other.tokens]).toEqual([['token2'], ['token3']])
})
