// A server that lists as many keys as asked for, and answers each HEAD as for an encrypted object. It stores nothing and checks
// no signature, so that its memory does not depend on the number of objects.
import { createServer } from 'node:http'
import { CryptoBucket } from '@oss-cse/bucket'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'

const { objects } = JSON.parse(process.argv[2])
const BUCKET = 'synthetic'
const PREFIX = 'data/'
const DIGITS = 12
const SIZE_BYTES = 1024

const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
const transport = new MemoryTransport()
const provider = new RsaProvider({ privateKey, materialDescription: { key: '2026' } })
await new CryptoBucket({ transport, provider }).put('sample', new Uint8Array(SIZE_BYTES))
const { headers } = transport.objects.get('sample')
const REQUEST_ID = { 'x-oss-request-id': '0123456789ABCDEF01234567' }
const HEAD = {
  ...headers,
  ...REQUEST_ID,
  'content-length': SIZE_BYTES,
  etag: '"00000000000000000000000000000000"',
  'last-modified': 'Mon, 30 Nov 2026 00:00:00 GMT',
  'x-oss-object-type': 'Normal',
  'x-oss-storage-class': 'Standard',
}

const server = createServer({ keepAliveTimeout: 65_000, noDelay: true }, (request, response) => {
  if (request.method === 'HEAD') {
    response.writeHead(200, HEAD).end()
    return
  }
  const { searchParams } = new URL(request.url, 'http://localhost')
  if (request.method !== 'GET' || !searchParams.has('list-type')) {
    response.writeHead(405, REQUEST_ID).end()
    return
  }
  response.writeHead(200, { ...REQUEST_ID, 'content-type': 'application/xml' }).end(page(searchParams))
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  process.send({
    endpoint: `http://localhost:${port}`,
    region: 'cn-hangzhou',
    accessKeyId: 'id',
    accessKeySecret: 'secret',
    bucket: BUCKET,
  })
})
process.on('disconnect', () => process.exit())

function page(parameters) {
  const after = parameters.get('continuation-token') ?? parameters.get('start-after')
  const first = after ? Number(after.slice(PREFIX.length)) + 1 : 0
  const end = Math.min(objects, first + Number(parameters.get('max-keys') ?? 100))
  const entries = []
  for (let index = first; index < end; index++) {
    entries.push(
      `<Contents><Key>${keyOf(index)}</Key><LastModified>2026-11-30T00:00:00.000Z</LastModified>` +
        `<ETag>"00000000000000000000000000000000"</ETag><Type>Normal</Type><Size>${SIZE_BYTES}</Size>` +
        '<StorageClass>Standard</StorageClass></Contents>',
    )
  }
  const next = end < objects ? `<NextContinuationToken>${keyOf(end - 1)}</NextContinuationToken>` : ''
  return (
    `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>${BUCKET}</Name><Prefix>${PREFIX}</Prefix>` +
    `<MaxKeys>1000</MaxKeys><IsTruncated>${next !== ''}</IsTruncated>${next}${entries.join('')}` +
    `<KeyCount>${entries.length}</KeyCount></ListBucketResult>`
  )
}

function keyOf(index) {
  return `${PREFIX}${String(index).padStart(DIGITS, '0')}`
}
