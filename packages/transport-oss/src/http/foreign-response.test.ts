import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { bodyOf, fakeServer, readRequest, rejection, transportOnto } from '../../test/fake-server.ts'
import type { OssTransport } from '../index.ts'

const upload = { key: 'a', uploadId: 'u', headers: {} }
const parts = [{ partNumber: 1, etag: '"e"' }]

/** Each call, what its successful response has beside a request id, and its document. */
const CALLS: readonly {
  readonly name: string
  readonly call: (transport: OssTransport) => Promise<unknown>
  readonly etag?: true
  readonly status?: number
  readonly document?: string
}[] = [
  {
    name: 'put',
    call: (transport) => transport.put({ key: 'a', headers: {}, body: bodyOf([new Uint8Array(9)], 9) }),
    etag: true,
  },
  {
    name: 'an empty put',
    call: (transport) => transport.put({ key: 'a', headers: {}, body: bodyOf([], 0) }),
    etag: true,
  },
  { name: 'get', call: (transport) => transport.get({ key: 'a', headers: {} }) },
  { name: 'head', call: (transport) => transport.head({ key: 'a', headers: {} }) },
  { name: 'delete', call: (transport) => transport.delete({ key: 'a' }), status: 204 },
  { name: 'createBucket', call: (transport) => transport.createBucket() },
  { name: 'abort', call: (transport) => transport.abort(upload), status: 204 },
  {
    name: 'uploadPart',
    call: (transport) =>
      transport.uploadPart({ ...upload, partNumber: 1, body: bodyOf([new Uint8Array(9)], 9) }),
    etag: true,
  },
  {
    name: 'initiate',
    call: (transport) => transport.initiate({ key: 'a', headers: {} }),
    document: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
  },
  {
    name: 'complete',
    call: (transport) => transport.complete({ ...upload, parts }),
    etag: true,
    document: '<CompleteMultipartUploadResult/>',
  },
  { name: 'listParts', call: (transport) => transport.listParts(upload), document: '<ListPartsResult/>' },
  {
    name: 'listUploads',
    call: (transport) => transport.listUploads({}),
    document: '<ListMultipartUploadsResult/>',
  },
  { name: 'list', call: (transport) => transport.list({}), document: '<ListBucketResult/>' },
  {
    name: 'deleteMany',
    call: (transport) => transport.deleteMany({ keys: ['a'] }),
    document: '<DeleteResult/>',
  },
  {
    name: 'copy',
    call: (transport) => transport.copy({ sourceKey: 'a', key: 'b', headers: {} }),
    document: '<CopyObjectResult/>',
  },
]

/** Returns the error of a call to a server that responds so, or `resolved`. */
async function outcome(
  call: (transport: OssTransport) => Promise<unknown>,
  respond: (response: ServerResponse) => void,
): Promise<unknown> {
  const server = await fakeServer(async (request, response) => {
    await readRequest(request)
    respond(response)
  })
  return call(transportOnto(server)).then(
    () => 'resolved',
    (error: unknown) => error,
  )
}

const FOREIGN = {
  code: 'ERR_CSE_SERVICE',
  status: 200,
  retryable: false,
  message: expect.stringContaining('this is not a response of OSS'),
}
const PORTAL = '<html><body>Please log in</body></html>'

describe.each(CALLS)('$name', ({ call, status = 200, document }) => {
  it('resolves with the response of the service', async () => {
    expect(await outcome(call, (response) => response.writeHead(status).end(document))).toBe('resolved')
  })

  it.each([
    ['an empty 200', {}, ''],
    ['a page of a captive portal', { 'content-type': 'text/html' }, PORTAL],
    ['a 200 with an ETag of another server', { etag: '"x"' }, document ?? ''],
  ])('rejects %s', async (_, headers, body) => {
    const error = await outcome(call, (response) => {
      for (const name of response.getHeaderNames()) response.removeHeader(name)
      response.writeHead(200, headers).end(body)
    })
    expect(error).toMatchObject(FOREIGN)
  })
})

describe.each(CALLS.filter(({ etag }) => etag))('$name', ({ call, document }) => {
  it('rejects a success without an ETag', async () => {
    const error = await outcome(call, (response) => {
      response.removeHeader('etag')
      response.end(document)
    })
    expect(error).toMatchObject(FOREIGN)
  })
})

describe.each(CALLS.filter(({ document }) => document))('$name', ({ call }) => {
  it.each(['', PORTAL, '<Other/>', '{}', 'x<ListBucketResult/>'])(
    'rejects the document %j',
    async (other) => {
      expect(await outcome(call, (response) => response.end(other))).toMatchObject(FOREIGN)
    },
  )
})

it.each(['put', 'complete'] as const)(
  '%s with a callback accepts any body, but requires an ETag',
  async (name) => {
    const headers = { 'x-oss-callback': 'e30=' }
    const call = (transport: OssTransport): Promise<unknown> =>
      name === 'put'
        ? transport.put({ key: 'a', headers, body: bodyOf([new Uint8Array(9)], 9) })
        : transport.complete({ ...upload, parts, headers })
    const document = '<Error><Code>InternalError</Code></Error>'
    for (const body of ['anything', '', document]) {
      expect(await outcome(call, (response) => response.end(body))).toBe('resolved')
    }
    const error = await outcome(call, (response) => {
      response.removeHeader('etag')
      response.end('anything')
    })
    expect(error).toMatchObject(FOREIGN)
  },
)

it('getSymlink without a target is not a response of the service', async () => {
  const call = (transport: OssTransport) => transport.getSymlink({ key: 'a', headers: {} })
  expect(await outcome(call, (response) => response.end())).toMatchObject(FOREIGN)
  for (const target of ['', '%', '%ff']) {
    const respond = (response: ServerResponse) => response.setHeader('x-oss-symlink-target', target).end()
    expect(await outcome(call, respond)).toMatchObject(FOREIGN)
  }
  const server = await fakeServer((_, response) =>
    response.setHeader('x-oss-symlink-target', 'b%20c%2Fd').end(),
  )
  expect(await transportOnto(server).getSymlink({ key: 'a', headers: {}, versionId: 'v' })).toEqual({
    targetKey: 'b c/d',
  })
  expect(server.seen[0]?.url).toBe('/my-bucket/a?symlink=&versionId=v')
  expect(await rejection(transportOnto(server).getSymlink({ key: '', headers: {} }))).toMatchObject({
    code: 'ERR_CSE_INVALID_ARGUMENT',
  })
})
