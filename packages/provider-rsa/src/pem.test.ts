import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { CseError } from '@oss-cse/crypto-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  makeRsaKeys,
  privatePem,
  publicPem,
  TEST_CERTIFICATE,
  thrownBy,
  vector,
} from '../test/support/keys.ts'
import { readPrivateKey, readPublicKey } from './pem.ts'

const PASSPHRASE = 'a test passphrase, ünlocked'
const keys = makeRsaKeys(2048)
const vectorKey = createPrivateKey(vector.privateKeyPem)

function encryptedPem(type: 'pkcs1' | 'pkcs8', cipher: string, passphrase = PASSPHRASE): string {
  return keys.privateKey.export({ type, format: 'pem', cipher, passphrase }).toString()
}

const privateForms: readonly (readonly [string, string])[] = [
  ['PKCS#1', privatePem(keys.privateKey, 'pkcs1')],
  ['PKCS#8', privatePem(keys.privateKey, 'pkcs8')],
  ['encrypted PKCS#1, AES', encryptedPem('pkcs1', 'aes-256-cbc')],
  ['encrypted PKCS#1, triple DES', encryptedPem('pkcs1', 'des-ede3-cbc')],
  ['encrypted PKCS#8, AES', encryptedPem('pkcs8', 'aes-256-cbc')],
  ['encrypted PKCS#8, triple DES', encryptedPem('pkcs8', 'des-ede3-cbc')],
]
const encryptedForms = privateForms.filter(([name]) => name.startsWith('encrypted'))

const publicForms: readonly (readonly [string, string])[] = [
  ['PKCS#1', publicPem(vectorPublicKey(), 'pkcs1')],
  ['SPKI', vector.publicKeyPem],
  ['X.509 certificate', TEST_CERTIFICATE],
]

function vectorPublicKey(): KeyObject {
  return readPublicKey(vector.publicKeyPem)
}

const layouts: readonly (readonly [string, (pem: string) => string])[] = [
  ['as it is', (pem) => pem],
  ['with CRLF line breaks', (pem) => pem.replaceAll('\n', '\r\n')],
  ['with CR line breaks', (pem) => pem.replaceAll('\n', '\r')],
  ['indented, with trailing blanks', (pem) => pem.replaceAll('\n', ' \t\n    ')],
  ['between other text', (pem) => `\uFEFFBag Attributes\n  friendlyName: key\n\n${pem}\n-- kept by: me --\n`],
  ['without a last line break', (pem) => pem.trimEnd()],
  ['with the two characters \\n for line breaks', (pem) => pem.replaceAll('\n', '\\n')],
  ['with \\r\\n written out', (pem) => pem.replaceAll('\n', '\\r\\n')],
]

/** Each error must be a CseError that contains nothing of the input. */
function failure(action: () => unknown): CseError {
  const error = thrownBy(action)
  if (!CseError.isInstance(error)) throw error
  expect('cause' in error).toBe(false)
  expect(error.message).not.toMatch(/[A-Za-z0-9+/]{40}|routines|ERR_OSSL/)
  expect(error.message).not.toContain(PASSPHRASE)
  return error
}

describe.each(privateForms)('a private key as %s', (_form, pem) => {
  test.each(layouts)('is read %s', (_layout, change) => {
    expect(readPrivateKey(change(pem), PASSPHRASE).equals(keys.privateKey)).toBe(true)
  })

  test('is refused as a public key', () => {
    const error = failure(() => readPublicKey(pem))
    expect(error.code).toBe('ERR_CSE_INVALID_KEY')
    expect(error.message).toContain('`privateKey`')
  })

  test('is refused with a CseError if it is truncated anywhere', () => {
    for (let length = 0; length < pem.trimEnd().length; length += 7) {
      expect(failure(() => readPrivateKey(pem.slice(0, length), PASSPHRASE)).code).toBe('ERR_CSE_INVALID_KEY')
    }
  })

  test('is refused if lines in its middle are missing', () => {
    const lines = pem.split('\n')
    lines.splice(12, 2)
    const { code } = failure(() => readPrivateKey(lines.join('\n'), PASSPHRASE))
    // The legacy form shows no damage: decrypting it just yields something else, as with a wrong passphrase.
    expect(code).toBe(pem.includes('Proc-Type') ? 'ERR_CSE_PASSPHRASE' : 'ERR_CSE_INVALID_KEY')
  })
})

describe.each(encryptedForms)('a private key as %s', (_form, pem) => {
  test('is refused without its passphrase, and the error names the option', () => {
    const error = failure(() => readPrivateKey(pem, undefined))
    expect(error.code).toBe('ERR_CSE_PASSPHRASE')
    expect(error.message).toContain('`passphrase`')
  })

  test.each(['', 'wrong', `${PASSPHRASE} `, 'x'.repeat(5000)])(
    'is refused with a wrong passphrase',
    (wrong) => {
      expect(failure(() => readPrivateKey(pem, wrong)).code).toBe('ERR_CSE_PASSPHRASE')
    },
  )

  // A wrong passphrase yields well-formed padding once in 256 tries, and then fails in the parser instead.
  test('throws the same error for each wrong passphrase', () => {
    const seen = new Set<string>()
    const tries = pem.includes('Proc-Type') ? 600 : 40
    for (let i = 0; i < tries; i++) {
      const { code, message } = failure(() => readPrivateKey(pem, `wrong ${i}`))
      seen.add(`${code} ${message}`)
    }
    expect(seen.size).toBe(1)
  })
})

describe.each(publicForms)('a public key as %s', (_form, pem) => {
  test.each(layouts)('is read %s', (_layout, change) => {
    expect(readPublicKey(change(pem)).equals(vectorPublicKey())).toBe(true)
  })

  test('is refused as a private key', () => {
    const error = failure(() => readPrivateKey(pem, undefined))
    expect(error.code).toBe('ERR_CSE_INVALID_KEY')
    expect(error.message).toContain('`publicKey`')
  })

  test('is refused if it is truncated anywhere', () => {
    for (let length = 0; length < pem.trimEnd().length; length += 7) {
      expect(failure(() => readPublicKey(pem.slice(0, length))).code).toBe('ERR_CSE_INVALID_KEY')
    }
  })
})

// OpenSSL would prompt on the terminal: a test that waits fails.
test.each(publicForms)(
  'an encrypted public key is refused, without a prompt for its passphrase (%s)',
  (_form, pem) => {
    const encrypted = pem.replace(
      '-----\n',
      '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0011223344556677\n\n',
    )
    const error = failure(() => readPublicKey(encrypted))
    expect(error.code).toBe('ERR_CSE_INVALID_KEY')
    expect(error.message).toContain('encrypted')
  },
)

describe('a key that is not an RSA key that encrypts', () => {
  const others = {
    EC: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    Ed25519: generateKeyPairSync('ed25519'),
    'RSA-PSS': generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
  }

  test.each(Object.entries(others))('%s is refused as either half', (_name, pair) => {
    const privateText = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const publicText = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    for (const error of [
      failure(() => readPrivateKey(privateText, undefined)),
      failure(() => readPublicKey(publicText)),
    ]) {
      expect(error.code).toBe('ERR_CSE_INVALID_KEY')
      expect(error.message).toContain('not an RSA key')
    }
  })

  test('an EC key in a block of its own kind is refused as not RSA', () => {
    const sec1 = others.EC.privateKey.export({ type: 'sec1', format: 'pem' }).toString()
    expect(failure(() => readPrivateKey(sec1, undefined)).message).toContain('not an RSA key')
  })
})

describe('several blocks in one text', () => {
  test('a private key beside its certificate is read', () => {
    expect(readPrivateKey(`${TEST_CERTIFICATE}${vector.privateKeyPem}`, undefined).equals(vectorKey)).toBe(
      true,
    )
  })

  test('two private keys are refused, because none is chosen silently', () => {
    const both = `${vector.privateKeyPem}${privatePem(keys.privateKey)}`
    const error = failure(() => readPrivateKey(both, undefined))
    expect(error.code).toBe('ERR_CSE_INVALID_KEY')
    expect(error.message).toContain('2 private keys')
  })

  test('the first certificate of a chain counts', () => {
    const chain = `${TEST_CERTIFICATE}${publicPem(keys.publicKey)}`
    expect(readPublicKey(chain).equals(vectorPublicKey())).toBe(true)
  })
})

describe('garbage', () => {
  const block = (label: string, body: string): string =>
    `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`

  test.each([
    ['an empty text', ''],
    ['a path', '/etc/keys/master.pem'],
    ['a lone BEGIN line', '-----BEGIN PRIVATE KEY-----\n'],
    ['an END line of another kind', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n'],
    ['an empty block', block('PRIVATE KEY', '')],
    ['a block of zeros', block('PRIVATE KEY', 'AAAA')],
    ['a block that is not base64', block('RSA PRIVATE KEY', '*** not base64 ***')],
    ['an encrypted block of zeros', block('ENCRYPTED PRIVATE KEY', 'AAAA')],
    ['an encrypted block that is not base64', block('ENCRYPTED PRIVATE KEY', '****')],
    ['an encrypted block of one byte', block('ENCRYPTED PRIVATE KEY', 'MA==')],
    ['a key in the form of OpenSSH', block('OPENSSH PRIVATE KEY', 'b3BlbnNzaC1rZXktdjEA')],
    ['a certificate request', block('CERTIFICATE REQUEST', 'MIIB')],
  ])('%s throws ERR_CSE_INVALID_KEY in either option', (_name, text) => {
    expect(failure(() => readPrivateKey(text, PASSPHRASE)).code).toBe('ERR_CSE_INVALID_KEY')
    expect(failure(() => readPublicKey(text)).code).toBe('ERR_CSE_INVALID_KEY')
  })

  test('the error for a path asks for the text of the file', () => {
    expect(failure(() => readPrivateKey('master.pem', undefined)).message).toContain('not its path')
  })

  test('the error for an OpenSSH key says how to convert it', () => {
    const text = block('OPENSSH PRIVATE KEY', 'b3BlbnNzaC1rZXktdjEA')
    expect(failure(() => readPrivateKey(text, undefined)).message).toContain('ssh-keygen')
  })

  const onlyOurErrors = (text: string): void => {
    for (const read of [() => readPrivateKey(text, PASSPHRASE), () => readPublicKey(text)]) {
      try {
        read()
      } catch (error) {
        if (!CseError.isInstance(error)) throw error
      }
    }
  }

  test('random text throws only a CseError', () => {
    const label = fc.constantFrom(
      ...[
        'PRIVATE KEY',
        'RSA PRIVATE KEY',
        'ENCRYPTED PRIVATE KEY',
        'PUBLIC KEY',
        'RSA PUBLIC KEY',
        'CERTIFICATE',
      ],
      ...['EC PRIVATE KEY', 'X', 'KEY PRIVATE KEY'],
    )
    const body = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String(),
      fc.base64String().map((text) => `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n${text}`),
    )
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), onlyOurErrors), { numRuns: 500 })
    fc.assert(
      fc.property(label, body, (name, text) => onlyOurErrors(block(name, text))),
      { numRuns: 500 },
    )
  })

  test('a PEM with removed or changed characters throws only a CseError', () => {
    const pems = [...privateForms, ...publicForms]
      .map(([, pem]) => pem)
      .filter((pem) => !pem.includes('ENCRYPTED PR'))
    fc.assert(
      fc.property(
        fc.constantFrom(...pems),
        fc.nat(4000),
        fc.nat(40),
        fc.string({ maxLength: 3 }),
        (pem, at, count, put) => {
          onlyOurErrors(pem.slice(0, at % pem.length) + put + pem.slice((at % pem.length) + count))
        },
      ),
      { numRuns: 400 },
    )
  })
})
