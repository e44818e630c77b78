// Runs the built package, as users get it, on the current Node.js: `pnpm run test:matrix`.
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { decodeEnvelope, Keyring, unwrapFailed } from '@oss-cse/crypto-core'
import { generateIv } from '@oss-cse/crypto-core/internal'
import { AlicloudKms, KmsProvider } from '@oss-cse/provider-kms'
import { sdkVectorsUnder } from '@oss-cse/sdk-vectors'

const masterKey = randomBytes(32)
const keyId = 'e9bd1f25-0c0c-4ae6-8a2c-1b5d6f1c3a77'
let calls = 0

function seal(text, context) {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', masterKey, nonce).setAAD(
    Buffer.from(JSON.stringify(context ?? {})),
  )
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([Buffer.from(keyId), nonce, cipher.getAuthTag(), sealed]).toString('base64')
}

const client = {
  async generateDataKey({ encryptionContext }) {
    calls += 1
    const plaintext = randomBytes(32).toString('base64')
    return { plaintext, ciphertextBlob: seal(plaintext, encryptionContext), keyId }
  },
  async encrypt({ plaintext, encryptionContext }) {
    calls += 1
    return { ciphertextBlob: seal(plaintext, encryptionContext), keyId }
  },
  async decrypt({ ciphertextBlob, encryptionContext }) {
    calls += 1
    const blob = Buffer.from(ciphertextBlob, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', masterKey, blob.subarray(36, 48))
      .setAAD(Buffer.from(JSON.stringify(encryptionContext ?? {})))
      .setAuthTag(blob.subarray(48, 64))
    try {
      return {
        plaintext: `${decipher.update(blob.subarray(64), undefined, 'utf8')}${decipher.final('utf8')}`,
        keyId,
      }
    } catch {
      throw unwrapFailed()
    }
  },
}

for (const encoding of ['blob', 'oss2']) {
  const provider = new KmsProvider({
    client,
    keyId,
    encoding,
    passphrase: 'of a smoke test',
    unwrapCache: { maxEntries: 10, ttlMs: 60_000 },
  })
  const ring = new Keyring({ encrypting: provider })
  calls = 0
  const { contentKey, envelope } = await ring.generate()
  assert.deepEqual(await ring.unwrap(envelope), contentKey)
  assert.deepEqual(await ring.unwrap(envelope), contentKey)
  assert.equal(calls, 4)
  await assert.rejects(new KmsProvider({ client, keyId }).unwrap(envelope), { code: 'ERR_CSE_UNWRAP_FAILED' })
  provider.clearUnwrapCache()
}

// The objects of the official SDKs, with the recorded responses of KMS.
for (const { sdk, kind, headers, masterKey, description, ...object } of sdkVectorsUnder('kms')) {
  const { answers, ...key } = masterKey
  const decrypt = async ({ ciphertextBlob, encryptionContext = {} }) => {
    const answer = answers.find((known) => known.ciphertextBlob === ciphertextBlob)
    if (answer === undefined) throw unwrapFailed()
    assert.deepEqual(encryptionContext, answer.encryptionContext)
    return answer
  }
  const materialDescription = Object.fromEntries(description)
  const encrypting = new KmsProvider({ client: { ...client, decrypt }, materialDescription, ...key })
  const { cek, iv } = await new Keyring({ encrypting }).unwrap(decodeEnvelope(headers))
  const plaintext = createDecipheriv('aes-256-ctr', cek, iv).update(object.ciphertext, 'base64')
  const hash = createHash('sha256').update(plaintext).digest('hex')
  assert.equal(hash, object.plaintextSha256, `${sdk}: ${kind}`)
}

// The vendor's client, if it is installed, against a server that refuses, and floods a Decrypt.
const server = createServer((request, response) => {
  if (request.url.includes('Action=Decrypt')) return response.end(Buffer.alloc(2_000_000, 'x'))
  response.writeHead(409, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ Code: 'Rejected.Disabled', Message: 'no', RequestId: 'R-1' }))
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const connect = () =>
  new AlicloudKms({
    region: 'cn-hangzhou',
    endpoint: `http://127.0.0.1:${server.address().port}`,
    accessKeyId: 'id',
    accessKeySecret: 'secret',
  })
const isInstalled = await import('@alicloud/kms20160120').then(
  () => true,
  () => false,
)
if (isInstalled) {
  const call = new KmsProvider({ client: connect(), keyId }).generateContentKey(generateIv())
  await assert.rejects(call, { code: 'ERR_CSE_MASTER_KEY_DISABLED', requestId: 'R-1' })
  const flooded = connect().decrypt({ ciphertextBlob: 'YmxvYg==' })
  await assert.rejects(flooded, { code: 'ERR_CSE_SERVICE', message: /more than 1048576 bytes/ })
} else {
  assert.throws(connect, { code: 'ERR_CSE_INVALID_ARGUMENT', message: /npm install @alicloud\/kms20160120/ })
}
server.close()
server.closeAllConnections()
console.log(
  `provider-kms: ok on Node.js ${process.version}${isInstalled ? ', with the vendor’s client' : ''}`,
)
