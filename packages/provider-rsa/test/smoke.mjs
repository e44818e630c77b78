// Runs the built package, as users get it, on the current Node.js: `pnpm run test:matrix`.
import assert from 'node:assert/strict'
import { createDecipheriv, createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { decodeEnvelope, Keyring } from '@oss-cse/crypto-core'
import {
  generateLocalRsaKeyFiles,
  generateRsaKeyPair,
  LocalRsaProvider,
  RsaProvider,
} from '@oss-cse/provider-rsa'
import { sdkVectorsUnder, vectorKeys } from '@oss-cse/sdk-vectors'

process.on('warning', (warning) => {
  throw warning
})

const read = (name) => JSON.parse(readFileSync(new URL(`./vectors/${name}`, import.meta.url), 'utf8'))
const decrypted = ({ cek, iv }, { ciphertext }) => {
  const decipher = createDecipheriv('aes-256-ctr', cek, iv)
  return Buffer.concat([decipher.update(ciphertext, 'base64'), decipher.final()])
}

const vector = read('rsa.json')
const { wrappedCek, wrappedIv, wrapAlgorithm, cekAlgorithm } = vector
const envelope = { version: 2, wrappedCek, wrappedIv, wrapAlgorithm, cekAlgorithm, materialDescription: {} }
const failed = { code: 'ERR_CSE_UNWRAP_FAILED' }

const owner = new RsaProvider({ privateKey: vector.privateKeyPem })
const contentKey = await owner.unwrap(envelope)
const { iv } = contentKey
assert.equal(decrypted(contentKey, vector).toString('base64'), vector.plaintext)

// The worker, which is a file of the package that must be found, does the same work. Nobody closes it.
const threads = new Set()
const { postMessage } = Worker.prototype
Worker.prototype.postMessage = function (...parameters) {
  threads.add(this)
  return postMessage.apply(this, parameters)
}
const inWorker = new RsaProvider({ privateKey: vector.privateKeyPem, unwrapInWorker: true })
const keys = await Promise.all(Array.from({ length: 16 }, () => inWorker.unwrap(envelope)))
assert.deepEqual(
  keys,
  keys.map(() => contentKey),
)
await assert.rejects(inWorker.unwrap({ ...envelope, wrappedIv: wrappedCek }), failed)
assert.equal(threads.size, 1, 'the worker was not found')
assert.ok(!process.getActiveResourcesInfo().includes('MessagePort'), 'an idle worker keeps the process alive')

const unwrapCache = { maxEntries: 9, ttlMs: 86_400_000 }
const caching = new RsaProvider({ privateKey: vector.privateKeyPem, unwrapCache })
for (let i = 0; i < 3; i++) assert.deepEqual(await caching.unwrap(envelope), contentKey)

const passphrase = 'of a smoke test'
const { privateKey, publicKey } = await generateRsaKeyPair({ bits: 2048, passphrase })
const stranger = new RsaProvider({ privateKey, publicKey, passphrase })
// With a wrong key, OpenSSL returns random bytes: enough tries to find one that only our own check refuses.
for (let i = 0; i < 500; i++) await assert.rejects(stranger.unwrap(envelope), failed)
for (const broken of ['', '*', 'AAAA', Buffer.alloc(256, 0xff).toString('base64')]) {
  await assert.rejects(owner.unwrap({ ...envelope, wrappedCek: broken }), failed)
  await assert.rejects(owner.unwrap({ ...envelope, wrappedIv: broken }), failed)
}

const made = await new RsaProvider({ publicKey }).generateContentKey(iv)
assert.deepEqual(await stranger.unwrap({ ...envelope, ...made }), { cek: made.cek, iv })
assert.throws(() => new RsaProvider({ privateKey }), { code: 'ERR_CSE_PASSPHRASE' })
assert.throws(() => new RsaProvider({ privateKey, passphrase: 'x' }), {
  code: 'ERR_CSE_PASSPHRASE',
})
assert.throws(() => new RsaProvider({ privateKey: vector.privateKeyPem, publicKey }), {
  code: 'ERR_CSE_INVALID_KEY',
})

// The objects of the official SDKs, each with its key.
const directory = mkdtempSync(join(tmpdir(), 'oss-cse-smoke-'))
const writeKeyFiles = (prefix, { privateKeyPem, publicKeyPem }) => {
  writeFileSync(join(directory, `${prefix}.private_key.pem`), privateKeyPem)
  writeFileSync(join(directory, `${prefix}.public_key.pem`), publicKeyPem)
}
const keyOf = {
  rsa: ({ name }, materialDescription) =>
    new RsaProvider({ privateKey: vectorKeys.rsa[name].privateKeyPem, materialDescription }),
  'local-rsa': ({ name: prefix, passphrase }) => {
    writeKeyFiles(prefix, vectorKeys['local-rsa'][prefix])
    return new LocalRsaProvider({ directory, prefix, passphrase })
  },
}
const vectors = sdkVectorsUnder('rsa', 'local-rsa')
try {
  for (const { sdk, kind, headers, masterKey, description, ...object } of vectors) {
    const encrypting = keyOf[masterKey.kind](masterKey, Object.fromEntries(description))
    const key = await new Keyring({ encrypting }).unwrap(decodeEnvelope(headers))
    const hash = createHash('sha256').update(decrypted(key, object)).digest('hex')
    assert.equal(hash, object.plaintextSha256, `${sdk}: ${kind}`)
    await assert.rejects(stranger.unwrap(decodeEnvelope(headers)), failed)
  }
  // The key files of oss2 itself: in plaintext, and encrypted in each way that it ever used.
  for (const oss2 of read('oss2-local-rsa.json').vectors) {
    writeKeyFiles('', oss2)
    const options = { directory, passphrase: oss2.passphrase ?? undefined }
    const local = new LocalRsaProvider({ ...options, unwrapInWorker: true })
    const object = oss2.objects.at(-1)
    const wrapped = decodeEnvelope(object.headers)
    assert.equal(decrypted(await local.unwrap(wrapped), object).toString('base64'), object.plaintext)
    await assert.rejects(local.unwrap({ ...wrapped, wrappedCek: object.ciphertext }), failed)
  }
  await generateLocalRsaKeyFiles({ directory, prefix: 'new', bits: 2048, passphrase })
  const local = new LocalRsaProvider({ directory, prefix: 'new', passphrase, format: 'v1' })
  for (const { objects } of read('oss2-local-rsa.json').vectors) {
    await assert.rejects(local.unwrap(decodeEnvelope(objects[0].headers)), failed)
  }
} finally {
  rmSync(directory, { recursive: true })
}
console.log(`provider-rsa: ok on Node.js ${process.version} (OpenSSL ${process.versions.openssl})`)
