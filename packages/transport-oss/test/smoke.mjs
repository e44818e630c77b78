// Runs the built package once under each Node. It puts and gets through a tiny HTTP server.
import assert from 'node:assert/strict'
import { Agent, createServer } from 'node:http'
import { createRequire } from 'node:module'
import { OssTransport } from '../dist/index.js'

const stored = new Map()
const server = createServer(async (request, response) => {
  // The headers of each response of the service, and of one that stored something.
  response.setHeader('x-oss-request-id', '6556E3AED11E553933CCDEDF').setHeader('etag', '"E"')
  if (request.method === 'PUT') {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    stored.set(request.url, { bytes: Buffer.concat(chunks), meta: request.headers['x-oss-meta-a'] })
    response.end()
  } else if (!stored.has(request.url)) {
    response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
  } else {
    const { bytes, meta } = stored.get(request.url)
    response.writeHead(200, { 'content-length': bytes.length, 'x-oss-meta-a': meta }).end(bytes)
  }
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const transport = new OssTransport({
  bucket: 'my-bucket',
  region: 'cn-hangzhou',
  endpoint: `http://127.0.0.1:${server.address().port}`,
  accessKeyId: 'id',
  accessKeySecret: 'secret',
})
const bytes = new Uint8Array(1_000_000).map((_, i) => i * 31)
for (const sizeBytes of [bytes.length, undefined]) {
  await transport.put({
    key: 'a/ä.bin',
    headers: { 'x-oss-meta-a': 'b' },
    body: {
      sizeBytes,
      async *open() {
        for (let i = 0; i < bytes.length; i += 300_000) yield bytes.subarray(i, i + 300_000)
      },
    },
  })
  const { headers, body } = await transport.get({ key: 'a/ä.bin', headers: {} })
  assert.equal(headers['x-oss-meta-a'], 'b')
  const chunks = []
  for await (const chunk of body) chunks.push(chunk)
  assert.ok(Buffer.concat(chunks).equals(bytes))
}
// The text of `http.request` of each Node.js is known, so it does not count as replaced.
const { addRequest } = Agent.prototype
let requests = 0
Agent.prototype.addRequest = function (...args) {
  requests++
  return addRequest.apply(this, args)
}
await (await transport.get({ key: 'a/ä.bin', headers: {} })).body.return()
assert.equal(requests, 0, 'get uses no agent')
await transport.head({ key: 'a/ä.bin', headers: {} })
assert.equal(requests, 1, 'head uses one')

await assert.rejects(transport.get({ key: 'none', headers: {} }), { code: 'ERR_CSE_NOT_FOUND' })
const cause = new Error('the disk is gone')
await assert.rejects(
  transport.put({
    key: 'broken',
    headers: {},
    body: {
      sizeBytes: 10,
      async *open() {
        yield new Uint8Array(5)
        throw cause
      },
    },
  }),
  { code: 'ERR_CSE_SOURCE', cause },
)
assert.equal(stored.size, 1)
// The table of types: an object without a type. It is not ali-oss either.
await transport.head({ key: 'a/ä.bin', headers: {} })

const { cache } = createRequire(import.meta.url)
const loaded = () => Object.keys(cache).some((path) => /[\\/]ali-oss[\\/]/.test(path))
assert.equal(loaded(), false, 'put, get and head load no ali-oss')
await assert.rejects(transport.list({}), { code: 'ERR_CSE_NOT_FOUND' })
assert.equal(loaded(), true, 'list loads ali-oss')

const controller = new AbortController()
const { body } = await transport.get({ key: 'a/ä.bin', headers: {}, signal: controller.signal })
controller.abort()
await assert.rejects(body.next(), { name: 'AbortError' })

server.close()
server.closeAllConnections()
