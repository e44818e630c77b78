import { Agent } from 'node:http'
import OSS from 'ali-oss'
import { expect, it, onTestFinished, vi } from 'vitest'
import {
  bodyOf,
  type FakeServer,
  fakeServer,
  readAll,
  readRequest,
  rejection,
  signalled,
} from '../../test/fake-server.ts'
import { OssTransport } from '../index.ts'

function clientOn(server: FakeServer, options: object = {}): OSS {
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  return new OSS({
    bucket: 'my-bucket',
    region: 'oss-cn-hangzhou',
    endpoint: `http://localhost:${server.port}`,
    accessKeyId: 'id',
    accessKeySecret: 'secret',
    sldEnable: true,
    agent,
    ...options,
  } as OSS.Options)
}

it('no call changes the user’s client', async () => {
  const server = await fakeServer(async (request, response) => {
    await readRequest(request)
    if (request.method === 'DELETE') return response.writeHead(204).end()
    return response.end(request.headers['x-oss-copy-source'] && '<CopyObjectResult/>')
  })
  const client = clientOn(server)
  const before = { own: { ...client }, options: { ...(client as unknown as { options: object }).options } }
  const transport = new OssTransport({ client })
  await transport.put({ key: 'a', headers: {}, body: bodyOf([new Uint8Array(3)], 3) })
  await readAll((await transport.get({ key: 'a', headers: {} })).body)
  await transport.copy({ sourceKey: 'a', key: 'b', headers: {} })
  await transport.abort({ key: 'a', uploadId: 'u' })
  expect({ own: { ...client }, options: { ...(client as unknown as { options: object }).options } }).toEqual(
    before,
  )
})

it('aborting one multipart upload does not stop another one of the same client', async () => {
  const begun = signalled()
  const aborted = signalled()
  const server = await fakeServer(async (request, response) => {
    await readRequest(request)
    if (request.method === 'DELETE') return response.writeHead(204).end()
    if (request.method === 'PUT') {
      begun.tell()
      await aborted.happened
      return response.writeHead(200, { etag: '"e"' }).end()
    }
    return response.end(
      request.url?.includes('uploads')
        ? '<InitiateMultipartUploadResult><UploadId>A</UploadId></InitiateMultipartUploadResult>'
        : '<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>',
    )
  })
  const client = clientOn(server)
  const other = client.multipartUpload('other', Buffer.alloc(300 * 1024), {
    partSize: 100 * 1024,
    parallel: 1,
  })
  await begun.happened
  await new OssTransport({ client }).abort({ key: 'mine', uploadId: 'B' })
  aborted.tell()
  await other
  expect(server.seen.filter(({ method }) => method === 'PUT')).toHaveLength(3)
})

it('the user’s client refreshes its own token, and stores when', async () => {
  const server = await fakeServer((_, response) => response.end())
  const refreshSTSToken = vi.fn(async () => ({
    accessKeyId: 'id2',
    accessKeySecret: 's2',
    stsToken: 'token2',
  }))
  const client = clientOn(server, { stsToken: 'token1', refreshSTSToken, refreshSTSTokenInterval: 60_000 })
  ;(client as unknown as { stsTokenFreshTime: Date }).stsTokenFreshTime = new Date(0)
  const transport = new OssTransport({ client })
  await transport.head({ key: 'a', headers: {} })
  await transport.head({ key: 'a', headers: {} })
  expect(refreshSTSToken).toHaveBeenCalledTimes(1)
  expect(server.seen.map(({ headers }) => headers['x-oss-security-token'])).toEqual(['token2', 'token2'])
})

it('a client’s retryMax does not repeat the transport’s requests', async () => {
  const server = await fakeServer((request) => request.destroy())
  const transport = new OssTransport({ client: clientOn(server, { retryMax: 3 }) })
  expect(await rejection(transport.head({ key: 'a', headers: {} }))).toMatchObject({
    code: 'ERR_CSE_NETWORK',
  })
  expect(server.seen).toHaveLength(1)
})

it('a client that was switched to another bucket is refused', async () => {
  const server = await fakeServer((_, response) => response.end())
  const client = clientOn(server)
  const transport = new OssTransport({ client })
  client.useBucket('other-bucket')
  expect(await rejection(transport.head({ key: 'a', headers: {} }))).toMatchObject({
    code: 'ERR_CSE_INVALID_ARGUMENT',
  })
  expect(server.seen).toHaveLength(0)
})
