// Run on the built package under every Node.js of the matrix.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CtrCipher, decodeBase64, decodeEnvelope, encodeEnvelope, Keyring } from '@oss-cse/crypto-core'
import { aesCtr } from '@oss-cse/crypto-core/aes-ctr'
import { createCrc64, PartDigester, partDigest } from '@oss-cse/crypto-core/internal'
import {
  createTestProvider,
  MemoryTransport,
  providerContract,
  transportContract,
} from '@oss-cse/crypto-core/testing'
import { sdkVectors } from '@oss-cse/sdk-vectors'

assert.equal(aesCtr.name, 'node')

const hex = (text) => new Uint8Array(Buffer.from(text, 'hex'))
const { cases } = JSON.parse(readFileSync(new URL('./vectors/aes-ctr.json', import.meta.url), 'utf8'))
for (const { cek, iv, plaintext, ciphertext } of cases) {
  const contentKey = { cek: hex(cek), iv: hex(iv) }
  assert.deepEqual(await new CtrCipher(contentKey).bytes(hex(plaintext)), hex(ciphertext))
  const tail = await new CtrCipher(contentKey, { offsetBytes: 21 }).bytes(hex(ciphertext).subarray(21))
  assert.deepEqual(tail, hex(plaintext).subarray(21))
}
// What the official SDKs wrote, whole and by range.
const base64 = (text) => new Uint8Array(Buffer.from(text, 'base64'))
for (const { sdk, kind, headers, description, ...vector } of sdkVectors) {
  assert.deepEqual({ ...decodeEnvelope(headers).materialDescription }, Object.fromEntries(description))
  const contentKey = { cek: base64(vector.cek), iv: base64(vector.iv) }
  const ciphertext = base64(vector.ciphertext)
  const whole = await new CtrCipher(contentKey).bytes(ciphertext)
  assert.equal(createHash('sha256').update(whole).digest('hex'), vector.plaintextSha256, `${sdk}: ${kind}`)
  const tail = await new CtrCipher(contentKey, { offsetBytes: 515 }).bytes(ciphertext.subarray(515))
  assert.deepEqual(tail, whole.subarray(515))
}

// What a runtime's own decoder forgives differs; every text of these characters is judged alike.
const characters = ['Q', 'R', 'g', '/', '-', '=', ' ', '\n', '\u00a0']
for (let index = 0; index < characters.length ** 4; index++) {
  const text = [0, 1, 2, 3].map((n) => characters[Math.floor(index / characters.length ** n) % 9]).join('')
  const expected = /^(?:[QRg/]{4}|[QRg/]{2}[Qg]=|[QRg/][Qg]==)$/.test(text) ? base64(text) : undefined
  assert.deepEqual(decodeBase64(text), expected, JSON.stringify(text))
}

// node:crypto takes the bytes of a piece in several calls: each OpenSSL has its own code for that.
const digests = JSON.parse(readFileSync(new URL('./vectors/part-digest.json', import.meta.url), 'utf8')).cases
for (const { name, cek, iv, offsetBytes, sizeBytes, pieces, digest } of digests) {
  const content = Uint8Array.from({ length: sizeBytes }, (_, i) => 31 * i + 7 * (i >> 8) + 5 * (i >> 16))
  for (const chunkBytes of [sizeBytes, 65_536, 4_099, 7]) {
    if (sizeBytes > 1000 * chunkBytes) continue
    const digester = new PartDigester({ cek: hex(cek), iv: hex(iv) }, offsetBytes)
    for (let offset = 0; offset < sizeBytes; offset += chunkBytes) {
      assert.equal(digester.update(content.subarray(offset, offset + chunkBytes)), undefined)
    }
    const list = digester.digests()
    assert.equal(Buffer.from(list).toString('hex'), pieces.join(''), `${name}, by ${chunkBytes}`)
    assert.equal(Buffer.from(partDigest(list)).toString('hex'), digest)
  }
}

const crc = createCrc64()
crc.update(new TextEncoder().encode('123456789'))
assert.equal(crc.value(), 0x995dc9bbdf1939fan)

const keyring = new Keyring({ encrypting: createTestProvider() })
const made = await keyring.generate()
const read = await keyring.unwrap(decodeEnvelope(encodeEnvelope(made.envelope)))
assert.deepEqual(read.cek, made.contentKey.cek)

const rules = [
  ...providerContract({
    create: () => createTestProvider(),
    createOther: () => createTestProvider({ seed: 2 }),
  }),
  ...transportContract({ create: () => new MemoryTransport() }),
]
for (const rule of rules) await rule.run()
console.log(
  `crypto-core: ${cases.length + digests.length + sdkVectors.length} vectors and ${rules.length} contract rules hold on ${process.version}`,
)
