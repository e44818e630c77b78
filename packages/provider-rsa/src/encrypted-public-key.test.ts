import { CseError } from '@oss-cse/crypto-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { thrownBy, vector } from '../test/support/keys.ts'
import { oss2Vector } from '../test/support/oss2.ts'
import { clearPublicPem } from './encrypted-public-key.ts'
import { KEY_OPTIONS } from './key-place.ts'
import { readPublicKey } from './pem.ts'

const PASSPHRASE = 'oss2 test passphrase'
const { publicKeyPem: encrypted } = oss2Vector('oss2 2.19.1', PASSPHRASE)

function clear(pem: string, passphrase: string | Buffer | undefined = PASSPHRASE): string {
  return clearPublicPem(pem, passphrase, KEY_OPTIONS.publicKey)
}

function failure(pem: string, passphrase?: string | Buffer): string {
  const error = thrownBy(() => clearPublicPem(pem, passphrase, KEY_OPTIONS.publicKey))
  if (!CseError.isInstance(error)) throw error
  expect('cause' in error).toBe(false)
  return error.code
}

describe('a public key that oss2 encrypted', () => {
  test('is read with its passphrase', () => {
    expect(readPublicKey(clear(encrypted)).asymmetricKeyDetails?.modulusLength).toBe(2048)
    expect(clear(encrypted, Buffer.from(PASSPHRASE))).toBe(clear(encrypted))
  })

  test.each([
    ['CRLF line breaks', (pem: string) => pem.replaceAll('\n', '\r\n')],
    ['no last line break', (pem: string) => pem.trimEnd()],
    ['text around it', (pem: string) => `a key\n${pem}\nend`],
    ['a salt in lower case', (pem: string) => pem.replace(/,[0-9A-F]{16}/, (salt) => salt.toLowerCase())],
  ])('is read with %s', (_what, change) => {
    expect(clear(change(encrypted))).toBe(clear(encrypted))
  })

  test('throws ERR_CSE_PASSPHRASE without a passphrase or with a wrong one', () => {
    expect(failure(encrypted)).toBe('ERR_CSE_PASSPHRASE')
    for (let i = 0; i < 600; i++) expect(failure(encrypted, `wrong ${i}`)).toBe('ERR_CSE_PASSPHRASE')
  })

  test('is never read as a key if it is damaged', () => {
    const lines = encrypted.split('\n')
    lines.splice(6, 1)
    expect(failure(lines.join('\n'), PASSPHRASE)).toBe('ERR_CSE_PASSPHRASE')
    expect(failure(encrypted.replace(/^.{64}$/m, '!'.repeat(64)), PASSPHRASE)).toBe('ERR_CSE_INVALID_KEY')
    expect(failure(encrypted.slice(0, 200), PASSPHRASE)).toBe('ERR_CSE_INVALID_KEY')
  })

  test.each(['AES-256-CBC,00000000000000000000000000000000', 'DES-EDE3-CBC,0011', 'DES-EDE3-CBC', ''])(
    'is refused with another cipher (%j)',
    (info) => {
      expect(failure(encrypted.replace(/DEK-Info:.*/, `DEK-Info: ${info}`), PASSPHRASE)).toBe(
        'ERR_CSE_INVALID_KEY',
      )
    },
  )
})

test('any other PEM text is returned unchanged', () => {
  for (const pem of [vector.publicKeyPem, vector.privateKeyPem]) expect(clear(pem, undefined)).toBe(pem)
})

test('random text throws only a CseError', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.base64String(), (text, base64) => {
      const pem = `-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n${text}\nDEK-Info: DES-EDE3-CBC,0011223344556677\n\n${base64}\n-----END PUBLIC KEY-----\n`
      expect(failure(pem, PASSPHRASE)).toMatch(/^ERR_CSE_(?:INVALID_KEY|PASSPHRASE)$/)
    }),
  )
})
