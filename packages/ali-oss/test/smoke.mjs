// Runs the built package once under each Node, as an ES module and with require, against an emulated service.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { CryptoOSS } from '@oss-cse/ali-oss'
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import OSS from 'ali-oss'

const require = createRequire(import.meta.url)
assert.equal(require('@oss-cse/ali-oss').CryptoOSS, CryptoOSS)

const emulator = await startOssEmulator()
const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
const { endpoint, region, accessKeyId, accessKeySecret } = emulator
const options = {
  endpoint,
  sldEnable: true,
  bucket: 'demo',
  region: `oss-${region}`,
  accessKeyId,
  accessKeySecret,
}
const client = new CryptoOSS({ ...options, provider: new RsaProvider({ privateKey }) })
const plain = new OSS(options)
assert.ok(client instanceof OSS)

const content = Buffer.alloc(350_000, 'plaintext ')
await client.put('a', content, { meta: { owner: 'ops' } })
await client.multipartUpload('b', content, { partSize: 102_400 })
for (const name of ['a', 'b']) {
  assert.deepEqual((await client.get(name)).content, content)
  const { content: range } = await client.get(name, { headers: { Range: 'bytes=77777-99999' } })
  assert.deepEqual(range, content.subarray(77_777, 100_000))
  const chunks = []
  for await (const chunk of (await client.getStream(name)).stream) chunks.push(chunk)
  assert.deepEqual(Buffer.concat(chunks), content)
  assert.notDeepEqual((await plain.get(name)).content, content)
}
assert.deepEqual((await client.head('a')).meta, { owner: 'ops' })

const sealing = new CryptoOSS({
  ...options,
  provider: new RsaProvider({ privateKey }),
  accept: 'sealed',
  context: (name) => name,
})
const { commitment } = await sealing.multipartUpload('sealed', content, { partSize: 102_400 })
const sealed = await sealing.get('sealed', { expectCommitment: commitment })
assert.deepEqual([sealed.content, sealed.sealed], [content, true])
await assert.rejects(sealing.get('a'), { code: 'ERR_CSE_NOT_SEALED' })
await assert.rejects(client.get('none'), { name: 'NoSuchKeyError', code: 'NoSuchKey', status: 404 })
await assert.rejects(client.append('a', content), { code: 'ERR_CSE_OPERATION_REFUSED' })
await emulator.close()
