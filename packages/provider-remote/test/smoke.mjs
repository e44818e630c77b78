// Runs the built package once under each Node: a page and its key server, over HTTP.
import assert from 'node:assert/strict'
import { constants, createHash, generateKeyPairSync, privateDecrypt } from 'node:crypto'
import { createServer } from 'node:http'
import { createWrappingProvider, encodeEnvelope, Keyring } from '@oss-cse/crypto-core'
import { RemoteProvider } from '@oss-cse/provider-remote'
import { createKeyServer } from '@oss-cse/provider-remote/server'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' })
const objects = new Map()
const transport = {
  get: () => assert.fail('it reads no content'),
  async head({ key }) {
    return { status: 200, headers: { ...objects.get(key), etag: '"1"' } }
  },
}
const master = createWrappingProvider({
  wrapAlgorithm: 'RSA/NONE/PKCS1Padding',
  keyIdentity: `rsa:${createHash('sha256')
    .update(pair.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')}`,
  wrap: () => assert.fail('the page wraps'),
  unwrap(wrapped) {
    const block = privateDecrypt({ key: pair.privateKey, padding: constants.RSA_NO_PADDING }, wrapped)
    assert.deepEqual([...block.subarray(0, 2)], [0, 2])
    return Uint8Array.from(block.subarray(block.indexOf(0, 2) + 1))
  },
})
const keyServer = createKeyServer({
  keyring: new Keyring({ encrypting: master }),
  transport,
  authorize: (request, { key }) =>
    key.startsWith('mine/') ? (request.headers.get('x-user') ?? undefined) : undefined,
})
const server = createServer(async (incoming, outgoing) => {
  const chunks = []
  for await (const chunk of incoming) chunks.push(chunk)
  const { method, headers } = incoming
  const response = await keyServer(
    new Request('https://keys.invalid/', { method, headers, body: Buffer.concat(chunks) }),
  )
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const url = `http://127.0.0.1:${server.address().port}/`
const provider = new RemoteProvider({ url, publicKey, headers: () => ({ 'x-user': 'me' }) })
const ring = new Keyring({ encrypting: provider })
const made = await Promise.all(
  Array.from({ length: 120 }, async (_, i) => {
    const { envelope, contentKey } = await ring.generate()
    objects.set(`mine/${i}`, encodeEnvelope(envelope))
    return { envelope, contentKey, object: { key: `mine/${i}` } }
  }),
)
const keys = await Promise.all(made.map(({ envelope, object }) => provider.unwrap(envelope, { object })))
assert.deepEqual(
  keys,
  made.map(({ contentKey }) => contentKey),
)
const [{ envelope }] = made
objects.set('yours/0', encodeEnvelope(envelope))
const refused = { code: 'ERR_CSE_UNWRAP_FAILED' }
await assert.rejects(provider.unwrap(envelope, { object: { key: 'yours/0' } }), refused)
await assert.rejects(provider.unwrap(made[1].envelope, { object: { key: 'mine/0' } }), {
  code: 'ERR_CSE_PRECONDITION_FAILED',
})
server.close()
server.closeAllConnections()
console.log(`provider-remote: 120 keys came from the key server on ${process.version}`)
