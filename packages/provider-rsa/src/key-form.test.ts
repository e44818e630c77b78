import { generateKeyPairSync } from 'node:crypto'
import { CseError } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { TEST_CERTIFICATE, thrownBy } from '../test/support/keys.ts'
import { readPrivateKey, readPublicKey } from './pem.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pkcs8Pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
const encryptedPkcs8 = privateKey.export({
  type: 'pkcs8',
  format: 'der',
  cipher: 'aes-256-cbc',
  passphrase: 'a passphrase',
})
const pkcs1 = privateKey.export({ type: 'pkcs1', format: 'der' })
const spki = publicKey.export({ type: 'spki', format: 'der' })
const pkcs1Public = publicKey.export({ type: 'pkcs1', format: 'der' })
const certificate = Buffer.from(TEST_CERTIFICATE.replaceAll(/-----.*-----|\s/g, ''), 'base64')
/** SEQUENCE { 3, SEQUENCE { the object identifier of PKCS#7 data } }, and how BER begins of no definite length. */
const pkcs12 = Buffer.from('3010020103300b06092a864886f70d010701', 'hex')
const pkcs12Ber = Buffer.from('3080020103308006092a864886f70d010701', 'hex')
const base64 = (der: Uint8Array): string => Buffer.from(der).toString('base64')
const utf16 = (...mark: number[]): Buffer =>
  Buffer.concat([Buffer.from(mark), Buffer.from(pkcs8Pem, 'utf16le')])
const bigEndian = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16()
const jwk = (key: typeof privateKey): string => JSON.stringify(key.export({ format: 'jwk' }))
const block = (label: string): string => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`

function refusal(half: 'private' | 'public', data: string | Uint8Array): string {
  const error = thrownBy(() => (half === 'private' ? readPrivateKey(data, undefined) : readPublicKey(data)))
  if (!CseError.isInstance(error)) throw error
  expect(error.code).toBe('ERR_CSE_INVALID_KEY')
  expect(error).not.toHaveProperty('cause')
  // The message contains no part of the key.
  expect(error.message).not.toMatch(/[A-Za-z0-9+/_-]{40}/)
  return error.message
}

describe('the error for a key that is not in PEM names its format and the command that converts it', () => {
  test.each([
    ['private', 'PKCS#8', pkcs8, 'as DER (PKCS#8)', 'openssl pkey -inform DER -in key.der -out key.pem'],
    ['private', 'PKCS#1', pkcs1, 'as DER (PKCS#1)', 'openssl pkey -inform DER -in key.der -out key.pem'],
    [
      'private',
      'encrypted PKCS#8',
      encryptedPkcs8,
      'encrypted private key as DER',
      'openssl pkcs8 -topk8 -inform DER',
    ],
    ['public', 'SPKI', spki, 'as DER (SPKI)', 'openssl pkey -pubin -inform DER -in key.der -out key.pem'],
    ['public', 'PKCS#1', pkcs1Public, 'as DER (PKCS#1)', 'openssl rsa -RSAPublicKey_in -inform DER'],
    ['public', 'X.509', certificate, 'certificate as DER (X.509)', 'openssl x509 -inform DER -in cert.der'],
    ['private', 'PKCS#12', pkcs12, 'PKCS#12', 'openssl pkcs12 -in key.p12 -nocerts -out key.pem'],
    ['public', 'PKCS#12', pkcs12, 'PKCS#12', 'openssl pkcs12 -in key.p12 -clcerts -nokeys -out key.pem'],
    ['private', 'PKCS#12 in BER', pkcs12Ber, 'PKCS#12', 'openssl pkcs12'],
    ['private', 'UTF-16', utf16(0xff, 0xfe), 'UTF-16', 'iconv -f UTF-16 -t UTF-8'],
    ['private', 'big-endian UTF-16', bigEndian(utf16(0xff, 0xfe)), 'UTF-16', 'iconv -f UTF-16 -t UTF-8'],
    ['private', 'UTF-16 without a mark', utf16(), 'UTF-16', 'iconv -f UTF-16LE -t UTF-8'],
    [
      'public',
      'big-endian UTF-16 without a mark',
      bigEndian(utf16()),
      'UTF-16',
      'iconv -f UTF-16BE -t UTF-8',
    ],
    ['private', 'OpenSSH', block('OPENSSH PRIVATE KEY'), 'OpenSSH', 'ssh-keygen -p -m PEM -f key.pem'],
    [
      'private',
      'PuTTY',
      'PuTTY-User-Key-File-3: ssh-rsa\r\nEncryption: none\r\n',
      'PuTTY',
      'puttygen key.ppk -O private-openssh',
    ],
    ['private', 'JWK', jwk(privateKey), 'private key as JWK', 'createPrivateKey'],
    ['public', 'JWK', jwk(publicKey), 'public key as JWK', 'createPublicKey'],
    [
      'public',
      'SSH',
      'ssh-rsa AAAAB3NzaC1yc2E= me@here\n',
      'SSH public key',
      'ssh-keygen -e -m PKCS8 -f id_rsa.pub',
    ],
    [
      'public',
      'SSH (RFC 4716)',
      '---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n',
      'RFC 4716',
      'ssh-keygen -i -f key.pub',
    ],
    [
      'private',
      'base64 alone',
      base64(pkcs8),
      'without its BEGIN and END lines',
      'openssl base64 -d -A | openssl pkey -inform DER -out key.pem',
    ],
    [
      'public',
      'a request',
      block('CERTIFICATE REQUEST'),
      'certificate request',
      'openssl req -in request.pem -pubkey',
    ],
    ['public', 'PKCS#7', block('PKCS7'), 'PKCS#7', 'openssl pkcs7'],
  ] as const)('%s, %s', (half, _form, data, name, command) => {
    for (const given of typeof data === 'string' ? [data, Buffer.from(data)] : [data]) {
      const message = refusal(half, given)
      expect(message).toContain(name)
      expect(message).toContain(command)
    }
  })

  test('the error for the other half or another kind of key has no command', () => {
    expect(refusal('private', spki)).toMatch(/public key as DER.*`publicKey`/)
    expect(refusal('public', pkcs1)).toMatch(/private key as DER.*`privateKey`/)
    for (const other of [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'der' }),
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me',
      'PuTTY-User-Key-File-2: ssh-ed25519\n',
      jwk(generateKeyPairSync('ed25519').privateKey),
    ]) {
      expect(refusal('private', other)).toMatch(/holds a key that is not an RSA key\.$/)
    }
    for (const label of ['PGP PRIVATE KEY BLOCK', 'PGP PUBLIC KEY BLOCK']) {
      expect(refusal('public', block(label))).toContain('OpenPGP')
    }
  })

  test('binary data that was read as text is not mistaken for a path', () => {
    expect(refusal('private', pkcs8.toString('utf8'))).toContain('read as text: pass the bytes')
    expect(refusal('private', pkcs8.toString('latin1'))).toContain('as DER (PKCS#8)')
    expect(refusal('private', utf16(0xff, 0xfe).toString('utf8'))).toContain('UTF-16')
    expect(refusal('private', 'keys/master.pem')).toContain('not its path')
  })

  test('bytes of an unknown format are not mistaken for a path', () => {
    for (const data of [
      Buffer.alloc(0),
      Buffer.from('keys/master.pem'),
      Buffer.from([0x30, 0x82, 0xff, 0xff, 0x02]),
    ]) {
      expect(refusal('private', data)).toContain('no PEM block. Pass a key file with a `-----BEGIN')
    }
  })
})

test('the bytes of a PEM file are read like its text', () => {
  expect(readPrivateKey(Buffer.from(pkcs8Pem), undefined).equals(privateKey)).toBe(true)
  expect(readPublicKey(new TextEncoder().encode(`\uFEFF${TEST_CERTIFICATE}`)).asymmetricKeyType).toBe('rsa')
})
