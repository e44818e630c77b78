// Runs the built package once under each Node, on a tiny HTTP server.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { FetchTransport, FetchUrlTransport } from '@oss-cse/transport-fetch'
import { signRequest } from '@oss-cse/transport-fetch/server'

const bytes = new Uint8Array(1_000_000).map((_, i) => i * 31)
let stored
const server = createServer(async (request, response) => {
  const headers = { 'x-oss-request-id': '6556E3AED11E553933CCDEDF' }
  if (request.method === 'PUT') {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    stored = { authorization: request.headers.authorization, bytes: Buffer.concat(chunks) }
    return response.writeHead(200, { ...headers, etag: '"e"' }).end()
  }
  if (request.url.startsWith('/gzip')) headers['content-encoding'] = 'gzip'
  if (request.url.startsWith('/stalled'))
    response
      .writeHead(request.url.includes('403') ? 403 : 200, { ...headers, 'content-length': 500 })
      .write('<Error>')
  else if (request.url.startsWith('/none'))
    response.writeHead(404, headers).end('<Error><Code>NoSuchKey</Code></Error>')
  else response.writeHead(200, headers).end(bytes)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = (key) => new URL(`http://127.0.0.1:${server.address().port}/${key}?Signature=s3cret`)

const keys = { accessKeyId: 'id', accessKeySecret: 's3cret' }
const place = { bucket: 'my-bucket', region: 'cn-hangzhou', endpoint: url('').origin }
const policy = { ...place, operations: ['put'], keyPrefix: 'a/' }
for (const options of [
  { credentials: { getCredential: async () => keys } },
  { authorize: (request) => signRequest(JSON.parse(JSON.stringify(request)), keys, policy) },
]) {
  const body = {
    async *open() {
      yield bytes
    },
  }
  await new FetchTransport({ ...place, ...options }).put({ key: 'a/b', headers: {}, body })
  assert.match(stored.authorization, /^OSS4-HMAC-SHA256 Credential=id\/\d{8}\/cn-hangzhou\/oss\//)
  assert.ok(stored.bytes.equals(bytes))
}
await assert.rejects(signRequest({ method: 'PUT', key: 'b', query: {}, headers: {} }, keys, policy), {
  code: 'ERR_CSE_OPERATION_REFUSED',
})

const transport = new FetchUrlTransport()
const { status, body } = await transport.getByUrl({ url: url('a'), headers: {} })
assert.equal(status, 200)
const chunks = []
for await (const chunk of body) chunks.push(chunk)
assert.ok(Buffer.concat(chunks).equals(bytes))
await assert.rejects(transport.getByUrl({ url: url('none'), headers: {} }), (error) => {
  assert.equal(error.code, 'ERR_CSE_NOT_FOUND')
  assert.ok(!String(error.stack).includes('s3cret'))
  return true
})
await assert.rejects(transport.getByUrl({ url: url('gzip'), headers: {} }), {
  code: 'ERR_CSE_OPERATION_REFUSED',
})
const controller = new AbortController()
const aborted = await transport.getByUrl({ url: url('a'), headers: {}, signal: controller.signal })
controller.abort()
await assert.rejects(
  async () => {
    for await (const _ of aborted.body);
  },
  { name: 'AbortError' },
)

// fetch of Node.js 20 and 22 forgets the signal of a request that was collected as garbage.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')
for (const key of ['stalled-200', 'stalled-403']) {
  const stop = new AbortController()
  const reading = (async () => {
    const stalled = await transport.getByUrl({ url: url(key), headers: {}, signal: stop.signal })
    for await (const _ of stalled.body);
  })()
  reading.catch(() => {})
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    collectGarbage()
  }
  stop.abort()
  await assert.rejects(reading, { name: 'AbortError' }, key)
}

server.close()
server.closeAllConnections()
console.log(`transport-fetch: stores, reads and signs on ${process.version}`)
