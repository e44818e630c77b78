import type { IncomingMessage } from 'node:http'
import { inspect } from 'node:util'
import type { AccessCredentials, CredentialsProvider } from '@oss-cse/crypto-core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import {
  bodyOf,
  errorXml,
  type FakeServer,
  fakeServer,
  readAll,
  readRequest,
  rejection,
  signalled,
} from '../../test/fake-server.ts'
import { isSignedWith } from '../../test/signature.ts'
import { OssTransport } from '../index.ts'

// Only the date is mocked, to age credentials. The timers of the connections keep running.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function aMinutePasses(): void {
  vi.setSystemTime(Date.now() + 60_000)
}

/** Returns the error of a call that waits until its timeout. */
async function givenUp(call: () => Promise<unknown>): Promise<unknown> {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  const given = rejection(call())
  await vi.advanceTimersByTimeAsync(60_000)
  const error = await given
  vi.useFakeTimers({ toFake: ['Date'] })
  return error
}

/** Returns the nth credentials. */
function triple(n: number): AccessCredentials & { readonly securityToken: string } {
  return { accessKeyId: `id${n}`, accessKeySecret: `secret${n}`, securityToken: `token${n}` }
}

/** A provider that returns other credentials each time. */
function rotating() {
  let given = 0
  return { getCredential: vi.fn(async (): Promise<AccessCredentials> => triple(++given)) }
}

/** Returns which `triple` signed a request. Its key id, its token and its signature must agree. */
function signer(request: IncomingMessage): number {
  const n = Number(/Credential=id(\d+)\//.exec(request.headers.authorization ?? '')?.[1])
  const { accessKeySecret, securityToken } = triple(n)
  if (request.headers['x-oss-security-token'] !== securityToken || !isSignedWith(accessKeySecret, request)) {
    throw new Error(`Key id ${n}, its token and the signature do not belong together.`)
  }
  return n
}

function transportWith(server: FakeServer, credentials: CredentialsProvider): OssTransport {
  return new OssTransport({
    bucket: 'my-bucket',
    region: 'cn-hangzhou',
    endpoint: server.endpoint,
    credentials,
  })
}

function head(transport: OssTransport) {
  return transport.head({ key: 'a', headers: {} })
}

it('the first requests share one call for credentials, and are signed with the result', async () => {
  const signers: number[] = []
  const server = await fakeServer((request, response) => {
    signers.push(signer(request))
    response.end()
  })
  const credentials = rotating()
  const transport = transportWith(server, credentials)
  expect(credentials.getCredential).not.toHaveBeenCalled()
  await Promise.all([head(transport), head(transport), head(transport)])
  await head(transport)
  expect(credentials.getCredential).toHaveBeenCalledTimes(1)
  expect(signers).toEqual([1, 1, 1, 1])
})

it('credentials that are a minute old are renewed once for all requests, before any request is sent', async () => {
  const signers: number[] = []
  const server = await fakeServer((request, response) => {
    signers.push(signer(request))
    response.end()
  })
  const credentials = rotating()
  const transport = transportWith(server, credentials)
  await head(transport)
  aMinutePasses()
  await Promise.all([head(transport), head(transport), head(transport)])
  expect(credentials.getCredential).toHaveBeenCalledTimes(2)
  expect(signers).toEqual([1, 2, 2, 2])
})

it('getCredential is called as a method of its provider', async () => {
  class Credential {
    readonly #inner = {
      accessKeyId: ' id\n',
      accessKeySecret: 'secret',
      securityToken: '',
      type: 'access_key',
    }
    async getCredential() {
      return this.#inner
    }
  }
  const server = await fakeServer((request, response) =>
    response.writeHead(isSignedWith('secret', request) ? 200 : 403).end(),
  )
  expect(await head(transportWith(server, new Credential()))).toMatchObject({ status: 200 })
  expect(server.seen[0]?.headers.authorization).toContain('Credential=id/')
  expect(server.seen[0]?.headers).not.toHaveProperty('x-oss-security-token')
})

it('a token is not used with later credentials', async () => {
  const server = await fakeServer((_, response) => response.end())
  const getCredential = vi
    .fn(async () => ({ accessKeyId: 'id', accessKeySecret: 'secret' }) as AccessCredentials)
    .mockResolvedValueOnce(triple(1))
  const transport = transportWith(server, { getCredential })
  await head(transport)
  aMinutePasses()
  await head(transport)
  expect(server.seen.map(({ headers }) => headers['x-oss-security-token'])).toEqual(['token1', undefined])
})

it.each<[string, unknown, string]>([
  ['no key id', { accessKeySecret: 'hidden', securityToken: 'hidden' }, 'no accessKeyId.'],
  ['no secret', { accessKeyId: 'hidden', accessKeySecret: ' ' }, 'no accessKeySecret.'],
  ['no key', { bearerToken: 'hidden' }, 'no accessKeyId and no accessKeySecret.'],
  [
    'values that are not strings',
    { accessKeyId: 1, accessKeySecret: ['hidden'] },
    'no accessKeyId and no accessKeySecret.',
  ],
  ['nothing at all', undefined, 'no accessKeyId and no accessKeySecret.'],
])(
  'a provider that returns %s is refused before any request, and the error contains nothing of the result',
  async (_, given, said) => {
    const server = await fakeServer((_, response) => response.end())
    const credentials = { getCredential: async () => given } as CredentialsProvider
    const error = await rejection(head(transportWith(server, credentials)))
    expect(error).toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      retryable: false,
      message: expect.stringContaining(said),
    })
    expect(inspect(error, { depth: 10 })).not.toContain('hidden')
    expect(server.seen).toHaveLength(0)
  },
)

it.each<[string, () => Promise<never>]>([
  ['rejects', () => Promise.reject(new Error('the token service is down'))],
  [
    'throws',
    () => {
      throw new Error('the token service is down')
    },
  ],
])(
  'a provider that %s causes an error with its own error as cause, and the next request calls it again',
  async (_, fails) => {
    const server = await fakeServer((_, response) => response.end())
    const getCredential = vi
      .fn(async (): Promise<AccessCredentials> => triple(1))
      .mockImplementationOnce(fails)
    const transport = transportWith(server, { getCredential })
    expect(await rejection(head(transport))).toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      retryable: true,
      objectKey: 'a',
      cause: { message: 'the token service is down' },
    })
    expect(server.seen).toHaveLength(0)
    expect(await head(transport)).toMatchObject({ status: 200 })
  },
)

it('the first of several failures in a row is reported, and after a success the next one', async () => {
  const server = await fakeServer((_, response) => response.end())
  const getCredential = vi
    .fn(async (): Promise<AccessCredentials> => triple(1))
    .mockRejectedValueOnce(new Error('nothing is set'))
    .mockRejectedValueOnce(new Error('no host "undefined"'))
    .mockResolvedValueOnce(triple(1))
    .mockRejectedValueOnce(new Error('the token service is down'))
  const transport = transportWith(server, { getCredential })
  const told = { cause: { message: 'nothing is set' }, retryable: true }
  expect(await rejection(head(transport))).toMatchObject(told)
  expect(await rejection(head(transport))).toMatchObject(told)
  await head(transport)
  aMinutePasses()
  expect(await rejection(head(transport))).toMatchObject({ cause: { message: 'the token service is down' } })
})

it('a provider that never returns is a timeout, and the next request calls it again', async () => {
  const server = await fakeServer((_, response) => response.end())
  const getCredential = vi
    .fn(async (): Promise<AccessCredentials> => triple(1))
    .mockReturnValueOnce(new Promise(() => {}))
  const transport = transportWith(server, { getCredential })
  expect(await givenUp(() => head(transport))).toMatchObject({ code: 'ERR_CSE_TIMEOUT', retryable: true })
  expect(server.seen).toHaveLength(0)
  expect(await head(transport)).toMatchObject({ status: 200 })
})

it('credentials that arrive after their timeout do not replace newer ones', async () => {
  const signers: number[] = []
  const server = await fakeServer((request, response) => {
    signers.push(signer(request))
    response.end()
  })
  let late: (credentials: AccessCredentials) => void = () => {}
  const getCredential = vi
    .fn(async (): Promise<AccessCredentials> => triple(2))
    .mockReturnValueOnce(
      new Promise((resolve) => {
        late = resolve
      }),
    )
  const transport = transportWith(server, { getCredential })
  await givenUp(() => head(transport))
  await head(transport)
  late(triple(1))
  await head(transport)
  expect(signers).toEqual([2, 2])
})

it('an aborted signal ends the wait for credentials, and no request is sent', async () => {
  const server = await fakeServer((_, response) => response.end())
  const asked = signalled()
  const credentials = {
    getCredential: (): Promise<never> => {
      asked.tell()
      return new Promise(() => {})
    },
  }
  const controller = new AbortController()
  const call = transportWith(server, credentials).head({ key: 'a', headers: {}, signal: controller.signal })
  await asked.happened
  controller.abort()
  expect(await rejection(call)).toBe(controller.signal.reason)
  expect(server.seen).toHaveLength(0)
})

it('each of several parallel requests is signed with one complete set of rotating credentials', async () => {
  const signers: number[] = []
  const server = await fakeServer(async (request, response) => {
    // The next request calls for newer ones, while other requests are running.
    aMinutePasses()
    try {
      signers.push(signer(request))
    } catch (error) {
      return response.writeHead(403).end(errorXml('SignatureDoesNotMatch', String(error)))
    }
    await readRequest(request)
    return response
      .writeHead(200, { etag: '"e"' })
      .end('<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>')
  })
  const credentials = rotating()
  const transport = transportWith(server, credentials)
  const lanes = Array.from({ length: 16 }, async (_, lane) => {
    for (let i = 0; i < 20; i++) {
      const key = `${lane}/${i}`
      await transport.put({ key, headers: { 'x-oss-meta-a': 'b' }, body: bodyOf([Buffer.from(key)]) })
      await transport.uploadPart({
        key,
        uploadId: 'u',
        partNumber: i + 1,
        headers: {},
        body: bodyOf([Buffer.from('part')], 4),
      })
      await readAll((await transport.get({ key, headers: {} })).body)
      await transport.copy({ sourceKey: key, key: 'copy', headers: {} })
    }
  })
  await Promise.all(lanes)
  expect(signers).toHaveLength(16 * 20 * 4)
  expect(new Set(signers).size).toBeGreaterThan(20)
})

it('a running transfer keeps its signature while later requests use newer credentials', async () => {
  const signers: [string | undefined, number][] = []
  const goOn = signalled()
  const server = await fakeServer(async (request, response) => {
    signers.push([request.method, signer(request)])
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-length': 8 }).write('old ')
      await goOn.happened
      return response.end('data')
    }
    await readRequest(request)
    return response.writeHead(200, { etag: '"e"' }).end()
  })
  const transport = transportWith(server, rotating())
  const { body } = await transport.get({ key: 'a', headers: {} })
  const begun = signalled()
  const rest = signalled()
  const part = transport.uploadPart({
    key: 'a',
    uploadId: 'u',
    partNumber: 1,
    headers: {},
    body: {
      sizeBytes: 200_000,
      async *open() {
        yield new Uint8Array(100_000)
        begun.tell()
        await rest.happened
        yield new Uint8Array(100_000)
      },
    },
  })
  await begun.happened
  aMinutePasses()
  await head(transport)
  goOn.tell()
  rest.tell()
  expect((await readAll(body)).toString()).toBe('old data')
  expect(await part).toMatchObject({ etag: '"e"' })
  aMinutePasses()
  await head(transport)
  expect(signers).toEqual([
    ['GET', 1],
    ['PUT', 1],
    ['HEAD', 2],
    ['HEAD', 3],
  ])
})

it('a request with an expired token is not repeated but retryable, because the next one has newer credentials', async () => {
  const server = await fakeServer((request, response) => {
    if (signer(request) === 1) response.writeHead(403).end(errorXml('SecurityTokenExpired'))
    else response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
  })
  const credentials = rotating()
  const transport = transportWith(server, credentials)
  expect(await rejection(transport.list({}))).toMatchObject({
    code: 'ERR_CSE_CREDENTIALS_EXPIRED',
    serviceCode: 'SecurityTokenExpired',
    requestId: '6556E3AED11E553933CCDEDF',
    retryable: true,
  })
  expect(server.seen).toHaveLength(1)
  expect(await transport.list({})).toMatchObject({ objects: [] })
  expect(credentials.getCredential).toHaveBeenCalledTimes(2)
})

it.each([
  ['SecurityTokenExpired', 'ERR_CSE_CREDENTIALS_EXPIRED'],
  ['InvalidSecurityToken', 'ERR_CSE_ACCESS_DENIED'],
  ['InvalidAccessKeyId', 'ERR_CSE_ACCESS_DENIED'],
])('%s is retryable only if the transport can get other credentials', async (serviceCode, code) => {
  const server = await fakeServer((_, response) => response.writeHead(403).end(errorXml(serviceCode)))
  const place = { bucket: 'my-bucket', region: 'cn-hangzhou', endpoint: server.endpoint }
  for (const [signing, retryable] of [
    [{ credentials: rotating() }, true],
    [triple(1), false],
  ] as const) {
    const error = await rejection(new OssTransport({ ...place, ...signing }).list({}))
    expect(error).toMatchObject({ code, serviceCode, retryable })
  }
})

it('late refusals do not expire newer credentials', async () => {
  const both = signalled()
  const responses: (() => void)[] = []
  const signers: number[] = []
  const server = await fakeServer((request, response) => {
    const n = signer(request)
    signers.push(n)
    if (n > 1) return response.end()
    responses.push(() => response.writeHead(403).end(errorXml('SecurityTokenExpired')))
    if (responses.length === 2) both.tell()
    return undefined
  })
  const transport = transportWith(server, rotating())
  const get = () => rejection(transport.get({ key: 'a', headers: {} }))
  const refused = [get(), get()]
  await both.happened
  responses[0]?.()
  await Promise.race(refused)
  await head(transport)
  responses[1]?.()
  await Promise.all(refused)
  await head(transport)
  expect(signers).toEqual([1, 1, 2, 2])
})

it('a refusal of access does not expire the credentials', async () => {
  const server = await fakeServer((_, response) => response.writeHead(403).end(errorXml('AccessDenied')))
  const credentials = rotating()
  const transport = transportWith(server, credentials)
  for (let i = 0; i < 2; i++) {
    expect(await rejection(transport.list({}))).toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      retryable: false,
    })
  }
  expect(credentials.getCredential).toHaveBeenCalledTimes(1)
})

it('credentials of the provider appear neither in the inspected transport nor in any error', async () => {
  const server = await fakeServer((_, response) =>
    response.writeHead(403).end(errorXml('SecurityTokenExpired')),
  )
  const transport = transportWith(server, rotating())
  const error = await rejection(transport.list({}))
  for (const shown of [transport, error]) {
    expect(inspect(shown, { depth: 20, showHidden: true })).not.toMatch(/id1|secret1|token1/)
  }
})
