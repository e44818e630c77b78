// Runs the built package, as users get it, on whichever Node.js this is: `pnpm run test:matrix`.
import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'

process.on('warning', (warning) => {
  throw warning
})

const vector = JSON.parse(readFileSync(new URL('./vectors/rsa.json', import.meta.url), 'utf8'))
const { wrappedCek, wrappedIv, wrapAlgorithm, cekAlgorithm } = vector
const envelope = { version: 2, wrappedCek, wrappedIv, wrapAlgorithm, cekAlgorithm, materialDescription: {} }
const failed = { code: 'ERR_CSE_UNWRAP_FAILED' }

const owner = new RsaProvider({ privateKey: vector.privateKeyPem })
const { cek, iv } = await owner.unwrap(envelope)
const decipher = createDecipheriv('aes-256-ctr', cek, iv)
const plaintext = Buffer.concat([decipher.update(vector.ciphertext, 'base64'), decipher.final()])
assert.equal(plaintext.toString('base64'), vector.plaintext)

const passphrase = 'of a smoke test'
const { privateKeyPem, publicKeyPem } = await generateRsaKeyPair({ bits: 2048, passphrase })
const stranger = new RsaProvider({ privateKey: privateKeyPem, publicKey: publicKeyPem, passphrase })
// A wrong key is random bytes to OpenSSL: enough tries that one without our own check would show.
for (let i = 0; i < 500; i++) await assert.rejects(stranger.unwrap(envelope), failed)
for (const broken of ['', '*', 'AAAA', Buffer.alloc(256, 0xff).toString('base64')]) {
  await assert.rejects(owner.unwrap({ ...envelope, wrappedCek: broken }), failed)
  await assert.rejects(owner.unwrap({ ...envelope, wrappedIv: broken }), failed)
}

const made = await new RsaProvider({ publicKey: publicKeyPem }).generateContentKey(iv)
assert.deepEqual(await stranger.unwrap({ ...envelope, ...made }), { cek: made.cek, iv })
assert.throws(() => new RsaProvider({ privateKey: privateKeyPem }), { code: 'ERR_CSE_PASSPHRASE' })
assert.throws(() => new RsaProvider({ privateKey: privateKeyPem, passphrase: 'x' }), {
  code: 'ERR_CSE_PASSPHRASE',
})
assert.throws(() => new RsaProvider({ privateKey: vector.privateKeyPem, publicKey: publicKeyPem }), {
  code: 'ERR_CSE_INVALID_KEY',
})
console.log(`provider-rsa: ok on Node.js ${process.version} (OpenSSL ${process.versions.openssl})`)
