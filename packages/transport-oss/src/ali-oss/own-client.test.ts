import OSS from 'ali-oss'
import { expect, it, vi } from 'vitest'
import { fakeServer, SECRETS } from '../../test/fake-server.ts'
import { OssTransport } from '../index.ts'
import { connect, type OssConnectionOptions } from './client-options.ts'

const BASE: OssConnectionOptions = { bucket: 'my-bucket', region: 'cn-hangzhou', ...SECRETS }

const OPTIONS: readonly [string, Partial<OssConnectionOptions>][] = [
  ['a region alone', {}],
  ['a region with its prefix', { region: 'oss-cn-shanghai' }],
  ['plain HTTP', { secure: false }],
  ['an endpoint with a port', { endpoint: 'https://oss.example.com:8443' }],
  ['an endpoint with the default port', { endpoint: 'http://oss.example.com:80' }],
  ['an endpoint in capital letters', { endpoint: 'HTTPS://OSS.Example.com' }],
  ['an endpoint without a protocol', { endpoint: 'oss.example.com' }],
  ['an IP address', { endpoint: 'http://127.0.0.1:8080' }],
  ['an IP address in another form', { endpoint: 'http://0x7f.1:8080' }],
  ['localhost', { endpoint: 'http://localhost:8080' }],
  ['a domain of its own', { endpoint: 'https://files.example.com', addressing: 'cname' }],
  ['the bucket in the path', { endpoint: 'https://oss.example.com', addressing: 'path' }],
  ['version 1', { signature: 'v1' }],
  ['no token', { securityToken: undefined }],
  ['an access key with white space', { accessKeyId: ' id\n', accessKeySecret: '\tsecret ' }],
]

it.each(OPTIONS)('requests without ali-oss use the options that ali-oss uses: %s', async (_, options) => {
  const { state, client, location } = connect({ ...BASE, ...options })
  const theirs = await client()
  expect(theirs).toBeInstanceOf(OSS)
  const { endpoint, ...others } = state.options
  expect(theirs.options).toMatchObject(others)
  for (const part of ['protocol', 'host', 'hostname'] as const) {
    expect(endpoint?.[part]).toBe(theirs.options.endpoint?.[part])
  }
  expect(location).toBe(`${theirs.options.endpoint?.protocol}//${theirs.options.endpoint?.host}/my-bucket`)
  expect(theirs.agent === state.agent || theirs.httpsAgent === state.httpsAgent).toBe(true)
  expect(theirs.userAgent).toBe(state.userAgent)
})

it('all requests of a transport that made its own client have the same user agent', async () => {
  const server = await fakeServer((_, response) => response.end('<ListBucketResult/>'))
  const warn = vi.spyOn(console, 'warn')
  const transport = new OssTransport({ ...BASE, endpoint: server.endpoint })
  await transport.head({ key: 'a', headers: {} })
  await transport.list({})
  const [one, other] = server.seen.map(({ headers }) => headers['user-agent'])
  expect(one).toMatch(/^oss-cse \(nodejs \d+\.\d+\.\d+; \w+ \w+\)$/)
  expect(other).toBe(one)
  expect(warn).not.toHaveBeenCalled()
  warn.mockRestore()
})
