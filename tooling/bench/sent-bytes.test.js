import { constants, createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { decipherOf, wrongBytes } from './sent-bytes.js'

const PEM = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024, ...PEM })
const other = generateKeyPairSync('rsa', { modulusLength: 1024, ...PEM })

const directory = mkdtempSync(join(tmpdir(), 'oss-cse-sent-bytes-'))
afterAll(() => rmSync(directory, { recursive: true }))
const sourcePath = join(directory, 'source')
const plaintext = randomBytes(100)
writeFileSync(sourcePath, plaintext)

const wrap = (value) =>
  publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, value).toString('base64')
const cek = randomBytes(32)
const iv = randomBytes(16)
const headers = {
  'x-oss-meta-client-side-encryption-key': wrap(cek),
  'x-oss-meta-client-side-encryption-start': wrap(iv),
  'x-oss-meta-client-side-encryption-cek-alg': 'AES/CTR/NoPadding',
  'x-oss-meta-client-side-encryption-wrap-alg': 'RSA/NONE/PKCS1Padding',
}
const ciphertext = createCipheriv('aes-256-ctr', cek, iv).update(plaintext)

const judged = (changes) => wrongBytes({ headers, chunks: [ciphertext], sourcePath, privateKey, ...changes })

test('an encryption of the file is right, however it is cut', () => {
  expect(judged({})).toBeUndefined()
  for (let cut = 0; cut <= ciphertext.length; cut++) {
    const chunks = [ciphertext.subarray(0, cut), ciphertext.subarray(cut)]
    expect(judged({ chunks })).toBeUndefined()
  }
})

test('one wrong bit is found, at whatever byte', () => {
  for (let at = 0; at < ciphertext.length; at++) {
    const changed = Buffer.from(ciphertext)
    changed[at] ^= 1
    expect(judged({ chunks: [changed] })).toBeDefined()
  }
})

test('a byte too few or too many is found', () => {
  expect(judged({ chunks: [ciphertext.subarray(0, -1)] })).toContain('only 99 bytes')
  expect(judged({ chunks: [ciphertext, Buffer.of(0)] })).toContain('more bytes')
  expect(judged({ chunks: [] })).toContain('only 0 bytes')
})

test('parts in another order, and a repeated key stream, are found', () => {
  const half = [ciphertext.subarray(0, 48), ciphertext.subarray(48)]
  expect(judged({ chunks: half.toReversed() })).toBeDefined()
  const again = createCipheriv('aes-256-ctr', cek, iv).update(plaintext.subarray(48))
  expect(judged({ chunks: [half[0], again] })).toContain('from 48 on')
})

test('bytes that are not encrypted are wrong under an envelope, and right without one', () => {
  expect(judged({ chunks: [plaintext] })).toContain('from 0 on')
  expect(judged({ headers: {}, chunks: [plaintext], privateKey: undefined })).toBeUndefined()
  expect(judged({ chunks: [plaintext], privateKey: undefined })).toContain('envelope')
})

test('an envelope of another key, or of another algorithm, is wrong', () => {
  expect(judged({ privateKey: other.privateKey })).toBeDefined()
  for (const name of ['cek-alg', 'wrap-alg']) {
    const changed = { ...headers, [`x-oss-meta-client-side-encryption-${name}`]: 'KMS/ALICLOUD' }
    expect(judged({ headers: changed })).toContain('KMS/ALICLOUD')
  }
  expect(judged({ headers: {} })).toContain('algorithm')
})

test('an object is decrypted with what its headers hold', () => {
  expect(decipherOf(headers, privateKey).update(ciphertext)).toEqual(plaintext)
})

test('decryption begins at any byte, also where the counter overflows', () => {
  const last = Buffer.alloc(16, 0xff)
  for (const start of [iv, last]) {
    const envelope = { ...headers, 'x-oss-meta-client-side-encryption-start': wrap(start) }
    const bytes = createCipheriv('aes-256-ctr', cek, start).update(plaintext)
    for (let offset = 0; offset < bytes.length; offset++) {
      const decipher = decipherOf(envelope, privateKey, offset)
      expect(decipher.update(bytes.subarray(offset))).toEqual(plaintext.subarray(offset))
    }
  }
})
