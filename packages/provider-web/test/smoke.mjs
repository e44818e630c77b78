// Runs the built package once under each Node: keys that WebCrypto holds, and one under a passphrase.
import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto'
import { Keyring } from '@oss-cse/crypto-core'
import {
  createPassphraseKey,
  createWebAesProvider,
  createWebRsaProvider,
  createWebRsaPublicProvider,
  generateWebAesKey,
  importWebRsaKeyPair,
  keyFromPassphrase,
} from '@oss-cse/provider-web'

const pair = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

async function roundTrip(provider) {
  const ring = new Keyring({ encrypting: provider })
  const { envelope, contentKey } = await ring.generate()
  assert.deepEqual(await provider.unwrap(envelope), contentKey)
  return envelope
}

await roundTrip(await createWebAesProvider(await generateWebAesKey()))

const rsa = await createWebRsaProvider(await importWebRsaKeyPair(pair))
const { wrappedCek } = await roundTrip(rsa)
const oaep = { key: pair.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
assert.equal(privateDecrypt(oaep, Buffer.from(wrappedCek, 'base64')).length, 32)

const encrypting = createWebRsaPublicProvider({ publicKey: pair.publicKey })
assert.equal(encrypting.keyIdentity, rsa.keyIdentity)
const generated = await encrypting.generateContentKey(new Uint8Array(16))
const raw = { key: pair.privateKey, padding: constants.RSA_NO_PADDING }
const block = privateDecrypt(raw, Buffer.from(generated.wrappedCek, 'base64'))
assert.deepEqual(Uint8Array.from(block.subarray(-32)), generated.cek)

for (const derivation of ['pbkdf2', 'argon2id']) {
  const { key, wrappedKey } = await createPassphraseKey('a passphrase', { derivation })
  const opened = await keyFromPassphrase(JSON.parse(JSON.stringify(wrappedKey)), 'a passphrase')
  const identities = await Promise.all([key, opened].map(createIdentity))
  assert.equal(identities[0], identities[1])
  await assert.rejects(keyFromPassphrase(wrappedKey, 'another'), { code: 'ERR_CSE_PASSPHRASE' })
}

async function createIdentity(key) {
  return (await createWebAesProvider(key)).keyIdentity
}

console.log(`provider-web: WebCrypto held the keys on ${process.version}`)
