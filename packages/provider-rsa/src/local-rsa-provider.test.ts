import {
  constants,
  createDecipheriv,
  createHash,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import {
  CseError,
  type Envelope,
  type EnvelopeV1,
  type EnvelopeV2,
  Keyring,
  parseV1Start,
  unwrapFailed,
} from '@oss-cse/crypto-core'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { emptyDirectory, keyDirectory } from '../test/support/key-directory.ts'
import { makeRsaKeys, privatePem, publicPem, thrownBy, vector } from '../test/support/keys.ts'
import { oss2Vector, oss2Vectors } from '../test/support/oss2.ts'
import { LocalRsaProvider, type LocalRsaProviderOptions } from './local-rsa-provider.ts'
import { RsaProvider } from './rsa-provider.ts'

const OAEP = 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding'
const FORMATS = ['v1', 'v2'] as const
const keys = makeRsaKeys(2048)
const otherKeys = makeRsaKeys(2048)
const files = { privateKeyPem: privatePem(keys.privateKey), publicKeyPem: publicPem(keys.publicKey) }
const CEK = Uint8Array.from({ length: 32 }, (_, i) => 255 - i)
const IV = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 9, 10, 11, 12])
const START = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8])

function built(options: LocalRsaProviderOptions = {}): LocalRsaProvider {
  return new LocalRsaProvider({ directory: keyDirectory(files), ...options })
}

function buildError(options: LocalRsaProviderOptions): CseError {
  const error = thrownBy(() => new LocalRsaProvider(options))
  if (!CseError.isInstance(error)) throw error
  return error
}

function oaep(bytes: Uint8Array | string, key: KeyObject = keys.publicKey, oaepHash = 'sha1'): string {
  const message = Buffer.from(bytes as Uint8Array)
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, message).toString(
    'base64',
  )
}

function opened(wrapped: string): Uint8Array {
  const options = { key: keys.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
  return Uint8Array.from(privateDecrypt(options, Buffer.from(wrapped, 'base64')))
}

function v2(wrappedCek: string, wrappedIv: string, wrapAlgorithm = OAEP): EnvelopeV2 {
  return {
    version: 2,
    wrappedCek,
    wrappedIv,
    wrapAlgorithm,
    cekAlgorithm: 'AES/CTR/NoPadding',
    materialDescription: {},
  }
}

function v1(wrappedCek: string, wrappedStart: string, wrapAlgorithm = 'rsa'): EnvelopeV1 {
  return {
    version: 1,
    wrappedCek,
    wrappedStart,
    wrapAlgorithm,
    cekAlgorithm: 'AES/GCM/NoPadding',
    materialDescription: {},
  }
}

describe('the key files of a LocalRsaProvider', () => {
  test.each(['', 'backup', 'a.b', 'ü'])(
    'are <dir>/<prefix>.private_key.pem and .public_key.pem (%j)',
    (prefix) => {
      const directory = keyDirectory(files, prefix)
      expect(new LocalRsaProvider({ directory, prefix }).modulusBits).toBe(2048)
      expect(buildError({ directory, prefix: 'another' }).message).toContain(
        join(directory, 'another.private_key.pem'),
      )
    },
  )

  test('are read from .oss-local-rsa in the home directory by default', () => {
    const prefix = `none-${randomBytes(8).toString('hex')}`
    expect(buildError({ prefix }).message).toContain(
      join(homedir(), '.oss-local-rsa', `${prefix}.private_key.pem`),
    )
  })

  test.each([
    ['private', { publicKeyPem: files.publicKeyPem }],
    ['public', { privateKeyPem: files.privateKeyPem }],
    ['private and public', {}],
  ])('the error names missing files (%s) and warns of oss2, and no file is created', (which, present) => {
    const directory = keyDirectory(present)
    const { code, message } = buildError({ directory })
    expect(code).toBe('ERR_CSE_INVALID_ARGUMENT')
    for (const half of ['private', 'public']) {
      expect(message.includes(join(directory, `.${half}_key.pem`))).toBe(which.includes(half))
    }
    expect(message).toContain('oss2')
    expect(message).toContain('replaces')
    expect(message).toContain('generateLocalRsaKeyFiles')
    expect(buildError({ directory }).message).toBe(message)
  })

  test('a missing directory is refused and not created', () => {
    const directory = join(emptyDirectory(), 'not', 'there')
    expect(buildError({ directory }).message).toContain('not/there')
    expect(buildError({ directory }).code).toBe('ERR_CSE_INVALID_ARGUMENT')
  })

  test('the error names a file that cannot be read, with the system’s error as the cause', () => {
    const directory = keyDirectory({ publicKeyPem: files.publicKeyPem })
    mkdirSync(join(directory, '.private_key.pem'))
    const error = buildError({ directory })
    expect(error.code).toBe('ERR_CSE_INVALID_ARGUMENT')
    expect(error.message).toContain(join(directory, '.private_key.pem'))
    expect(error.cause).toMatchObject({ code: 'EISDIR' })
  })

  test.each(['../a', 'a/b', 'a\\b', 'a\0b'])(
    'are always in the directory: a prefix that leads out of it is refused (%j)',
    (prefix) => {
      expect(buildError({ directory: keyDirectory(files), prefix }).code).toBe('ERR_CSE_INVALID_ARGUMENT')
    },
  )

  test.each([
    ['the private file is empty', { ...files, privateKeyPem: '' }, 'private'],
    ['the public file is empty', { ...files, publicKeyPem: '' }, 'public'],
    [
      'the private file is cut off',
      { ...files, privateKeyPem: files.privateKeyPem.slice(0, 400) },
      'private',
    ],
    ['the public file is cut off', { ...files, publicKeyPem: files.publicKeyPem.slice(0, 200) }, 'public'],
    ['the private file holds the public key', { ...files, privateKeyPem: files.publicKeyPem }, 'private'],
    ['the public file holds the private key', { ...files, publicKeyPem: files.privateKeyPem }, 'public'],
    [
      'the private file holds no key',
      { ...files, privateKeyPem: vector.publicKeyPem.replaceAll('PUBLIC', 'OTHER') },
      'private',
    ],
  ])('are refused when %s, and the error names the file, not an option', (_what, damaged, half) => {
    const directory = keyDirectory(damaged)
    const { code, message } = buildError({ directory })
    expect(code).toBe('ERR_CSE_INVALID_KEY')
    expect(message).toContain(join(directory, `.${half}_key.pem`))
    expect(message).not.toMatch(/`(?:private|public)Key`/)
  })

  test('are refused if the halves do not match, and the error names both', () => {
    const directory = keyDirectory({ ...files, publicKeyPem: publicPem(otherKeys.publicKey) })
    const { code, message } = buildError({ directory })
    expect(code).toBe('ERR_CSE_INVALID_KEY')
    expect(message).toContain(join(directory, '.private_key.pem'))
    expect(message).toContain(join(directory, '.public_key.pem'))
  })

  test.each(oss2Vectors.filter(({ passphrase }) => passphrase !== null))(
    'that $sdk with $rsaLibrary encrypted need their passphrase ($passphrase)',
    ({ passphrase, ...encrypted }) => {
      const directory = keyDirectory(encrypted)
      expect(new LocalRsaProvider({ directory, passphrase: passphrase ?? '' }).modulusBits).toBe(2048)
      expect(buildError({ directory }).code).toBe('ERR_CSE_PASSPHRASE')
      expect(buildError({ directory, passphrase: '' }).code).toBe('ERR_CSE_PASSPHRASE')
      expect(buildError({ directory, passphrase: `${passphrase}!` }).code).toBe('ERR_CSE_PASSPHRASE')
    },
  )

  test.each(['latin1', 'utf8'] as const)('are read with a passphrase whose bytes were %s', (encoding) => {
    const passphrase = Buffer.from('grün', encoding)
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
    const privateKeyPem = keys.privateKey.export(options as never).toString()
    expect(
      built({ directory: keyDirectory({ ...files, privateKeyPem }), passphrase: 'grün' }).modulusBits,
    ).toBe(2048)
  })

  test('are read with a passphrase that Latin-1 cannot encode', () => {
    const passphrase = '密钥'
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
    const privateKeyPem = keys.privateKey.export(options).toString()
    expect(built({ directory: keyDirectory({ ...files, privateKeyPem }), passphrase }).modulusBits).toBe(2048)
    expect(buildError({ directory: keyDirectory({ ...files, privateKeyPem }), passphrase: '密' }).code).toBe(
      'ERR_CSE_PASSPHRASE',
    )
  })

  test('are read with any passphrase if they are in plaintext', () => {
    expect(built({ passphrase: 'unused' }).modulusBits).toBe(2048)
  })

  test('have the identity of their key, whatever the padding: the SHA-256 of its SPKI', () => {
    const { privateKey, publicKey } = keys
    const spki = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' }))
    const identity = `rsa:${spki.digest('hex')}`
    const providers = [
      built(),
      built({ format: 'v1' }),
      new RsaProvider({ privateKey: privatePem(privateKey) }),
      new RsaProvider({ publicKey: publicPem(publicKey) }),
    ]
    expect(providers.map(({ keyIdentity }) => keyIdentity)).toEqual(providers.map(() => identity))
    const [local, , pkcs1] = providers as [LocalRsaProvider, LocalRsaProvider, RsaProvider]
    expect(() => new Keyring({ encrypting: local, sealedOnly: [pkcs1] })).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  })

  test('are read once: later changes have no effect', async () => {
    const directory = keyDirectory(files)
    const provider = new LocalRsaProvider({ directory })
    keyDirectory({ privateKeyPem: '', publicKeyPem: '' }, '', directory)
    expect(await provider.unwrap(v2(oaep(CEK), oaep(IV)))).toEqual({ cek: CEK, iv: IV })
  })

  test('with a key of less than 2048 bits cause a warning, and with less than 1024 bits are refused', () => {
    const onWarning = vi.fn<(message: string) => void>()
    const pair = (bits: number) => {
      const { privateKey, publicKey } = makeRsaKeys(bits)
      return keyDirectory({ privateKeyPem: privatePem(privateKey), publicKeyPem: publicPem(publicKey) })
    }
    expect(new LocalRsaProvider({ directory: pair(1024), onWarning }).modulusBits).toBe(1024)
    expect(onWarning).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('1024 bits'))
    expect(buildError({ directory: pair(1016), onWarning }).code).toBe('ERR_CSE_INVALID_KEY')
  })
})

describe('the properties of a LocalRsaProvider', () => {
  test('are V2 and OAEP by default, with the V1 name to read', () => {
    expect(built()).toMatchObject({
      wrapAlgorithm: OAEP,
      alsoUnwraps: ['rsa'],
      envelopeVersion: 2,
      materialDescription: {},
      canUnwrap: true,
    })
    expect(built({ format: 'v2' }).wrapAlgorithm).toBe(OAEP)
  })

  test('are V1 and "rsa" with the format V1, with the V2 name to read', () => {
    expect(built({ format: 'v1' })).toMatchObject({
      wrapAlgorithm: 'rsa',
      alsoUnwraps: [OAEP],
      envelopeVersion: 1,
      materialDescription: {},
      canUnwrap: true,
    })
  })

  test.each([
    null,
    'directory',
    { directory: 7 },
    { directory: '' },
    { directory: 'a\0b' },
    { prefix: 7 },
    { passphrase: 7 },
    { format: 'v3' },
    { format: 2 },
    { onWarning: 'x' },
  ])('options of a wrong type throw ERR_CSE_INVALID_ARGUMENT (%j)', (options) => {
    const given =
      typeof options === 'object' && options !== null
        ? { directory: keyDirectory(files), ...options }
        : options
    expect(buildError(given as never).code).toBe('ERR_CSE_INVALID_ARGUMENT')
  })

  const passphrase = 'oss2 test passphrase'
  const encrypted = oss2Vector('oss2 2.19.1', passphrase)

  test('contain no key and no passphrase, in any output', () => {
    const shown = new LocalRsaProvider({ directory: keyDirectory(encrypted), passphrase })
    const texts = [
      inspect(shown),
      inspect({ deep: { shown } }, { depth: 9 }),
      inspect(shown, { customInspect: false, showHidden: true, depth: 9 }),
      JSON.stringify(shown),
      String(shown),
    ]
    const secrets = [passphrase, ...encrypted.privateKeyPem.split('\n').slice(1, -2)]
    for (const text of texts) {
      for (const secret of secrets) expect(text).not.toContain(secret)
      expect(text).not.toMatch(/KeyObject|PRIVATE/)
    }
    expect(inspect(shown)).toBe(`LocalRsaProvider {
  wrapAlgorithm: '${OAEP}',
  envelopeVersion: 2,
  modulusBits: 2048
}`)
  })

  test('errors contain neither the passphrase nor the text of a key file', () => {
    const damaged = { ...encrypted, publicKeyPem: files.publicKeyPem }
    for (const error of [
      buildError({ directory: keyDirectory(encrypted), passphrase: `${passphrase} not` }),
      buildError({ directory: keyDirectory(damaged), passphrase }),
    ]) {
      expect(inspect(error)).not.toContain(passphrase)
      expect(error.message).not.toMatch(/[A-Za-z0-9+/]{60}/)
      expect('cause' in error).toBe(false)
    }
  })
})

describe('what a LocalRsaProvider writes', () => {
  test('V2: the raw CEK and the raw IV are wrapped with OAEP (SHA-1)', async () => {
    const { cek, wrappedCek, wrappedIv } = await built().generateContentKey(IV)
    expect(opened(wrappedCek)).toEqual(cek)
    expect(opened(wrappedIv)).toEqual(IV)
  })

  test('V1: the raw CEK and the decimal text of the start are wrapped', async () => {
    const provider = built({ format: 'v1' })
    for (const start of ['1', '8', '10', '340282366920938463463374607431768211455']) {
      const iv = parseV1Start(start) as Uint8Array
      const { cek, wrappedCek, wrappedIv } = await provider.generateContentKey(iv)
      expect(opened(wrappedCek)).toEqual(cek)
      expect(Buffer.from(opened(wrappedIv)).toString('latin1')).toBe(start)
    }
  })

  test.each(FORMATS)(
    'each CEK is new and has 32 bytes, and the same IV is wrapped differently each time (%s)',
    async (format) => {
      const provider = built({ format })
      const made = await Promise.all(Array.from({ length: 20 }, () => provider.generateContentKey(START)))
      expect(made.every(({ cek }) => cek.length === 32)).toBe(true)
      expect(new Set(made.map(({ cek }) => Buffer.from(cek).toString('hex'))).size).toBe(20)
      expect(new Set(made.map(({ wrappedIv }) => wrappedIv)).size).toBe(20)
    },
  )

  test.each([0, 8, 15, 17, 32])('an IV of %i bytes is refused', async (length) => {
    for (const format of FORMATS) {
      await expect(built({ format }).generateContentKey(new Uint8Array(length))).rejects.toMatchObject({
        code: 'ERR_CSE_INVALID_ARGUMENT',
      })
    }
  })

  test.each(FORMATS)('is read by a keyring, whatever format its provider writes (%s)', async (format) => {
    const { contentKey, envelope } = await new Keyring({ encrypting: built({ format }) }).generate()
    expect(envelope.version).toBe(format === 'v1' ? 1 : 2)
    for (const reading of FORMATS) {
      const keyring = new Keyring({ encrypting: built({ format: reading }) })
      expect(await keyring.unwrap(envelope)).toEqual(contentKey)
    }
  })

  test('is not confused with the objects of an RsaProvider with the same key', async () => {
    const pkcs1 = new RsaProvider({ privateKey: files.privateKeyPem })
    const local = built()
    const ours = await local.generateContentKey(IV)
    const theirs = await pkcs1.generateContentKey(IV)
    await expect(local.unwrap(v2(theirs.wrappedCek, theirs.wrappedIv))).rejects.toStrictEqual(unwrapFailed())
    await expect(
      pkcs1.unwrap(v2(ours.wrappedCek, ours.wrappedIv, 'RSA/NONE/PKCS1Padding')),
    ).rejects.toStrictEqual(unwrapFailed())
  })
})

describe.each(FORMATS)('what a LocalRsaProvider reads, writing %s', (format) => {
  const provider = () => built({ format })

  test('V2: any bytes that node:crypto wraps are unwrapped', async () => {
    const reader = provider()
    const cek = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const iv = fc.uint8Array({ minLength: 16, maxLength: 16 })
    await fc.assert(
      fc.asyncProperty(cek, iv, async (key, counter) => {
        expect(await reader.unwrap(v2(oaep(key), oaep(counter)))).toEqual({ cek: key, iv: counter })
      }),
      { numRuns: 50 },
    )
  })

  test('V1: a start of up to 128 bits is read as a number', async () => {
    const reader = provider()
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), async (start) => {
        const { cek, iv } = await reader.unwrap(v1(oaep(CEK), oaep(String(start))))
        expect(cek).toEqual(CEK)
        expect(BigInt(`0x${Buffer.from(iv).toString('hex')}`)).toBe(start)
      }),
      { numRuns: 50 },
    )
  })

  test('the wrap algorithm is compared case-insensitively', async () => {
    expect(await provider().unwrap(v2(oaep(CEK), oaep(IV), OAEP.toLowerCase()))).toEqual({ cek: CEK, iv: IV })
    expect(await provider().unwrap(v1(oaep(CEK), oaep('8'), 'RSA'))).toEqual({ cek: CEK, iv: START })
  })

  test('the returned arrays own their memory, so that a wipe leaves no copy', async () => {
    for (const envelope of [v2(oaep(CEK), oaep(IV)), v1(oaep(CEK), oaep('8'))]) {
      const { cek, iv } = await provider().unwrap(envelope)
      for (const bytes of [cek, iv]) {
        expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
        expect(bytes.buffer.byteLength).toBe(bytes.length)
      }
    }
  })

  const modulus = BigInt(
    `0x${Buffer.from(keys.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url').toString('hex')}`,
  )
  const toBase64 = (value: bigint): string =>
    Buffer.from(value.toString(16).padStart(512, '0'), 'hex').toString('base64')
  const toNumber = (text: string): bigint => BigInt(`0x${Buffer.from(text, 'base64').toString('hex')}`)

  /** The same number to code that does not check the range. */
  function beyondModulus(bytes: Uint8Array): string {
    for (;;) {
      const beyond = toNumber(oaep(bytes)) + modulus
      if (beyond < 1n << 2048n) return toBase64(beyond)
    }
  }

  /** The same number to code that does not check the length. */
  function shortened(bytes: Uint8Array): string {
    for (;;) {
      const wrapped = Buffer.from(oaep(bytes), 'base64')
      if (wrapped[0] === 0) return wrapped.subarray(1).toString('base64')
    }
  }

  const faults: readonly (readonly [string, (message: Uint8Array) => string])[] = [
    ['an empty text', () => ''],
    ['a text that is not base64', () => '*'.repeat(344)],
    ['base64 without its padding', (message) => oaep(message).replaceAll('=', '')],
    ['base64 with a line break', (message) => `${oaep(message).slice(0, 64)}\n${oaep(message).slice(64)}`],
    [
      'a ciphertext cut off',
      (message) => Buffer.from(oaep(message), 'base64').subarray(0, 255).toString('base64'),
    ],
    ['a ciphertext without its leading zero', (message) => shortened(message)],
    [
      'a ciphertext with a zero more',
      (message) => Buffer.concat([Buffer.alloc(1), Buffer.from(oaep(message), 'base64')]).toString('base64'),
    ],
    ['the ciphertext 0', () => toBase64(0n)],
    ['a ciphertext equal to the modulus', () => toBase64(modulus)],
    ['a ciphertext beyond the modulus', (message) => beyondModulus(message)],
    ['a random ciphertext', () => toBase64(toNumber(randomBytes(256).toString('base64')) % modulus)],
    ['another key', (message) => oaep(message, otherKeys.publicKey)],
    ['OAEP with another hash', (message) => oaep(message, keys.publicKey, 'sha256')],
    [
      'PKCS#1 padding',
      (message) =>
        publicEncrypt({ key: keys.publicKey, padding: constants.RSA_PKCS1_PADDING }, message).toString(
          'base64',
        ),
    ],
    ['a byte less', (message) => oaep(message.subarray(1))],
    ['a byte more', (message) => oaep(Buffer.concat([message, Buffer.alloc(1)]))],
    ['nothing inside', () => oaep(new Uint8Array())],
  ]
  const startText = Buffer.from('8')
  const cases: readonly (readonly [string, () => Envelope])[] = [
    ...faults.flatMap(([name, wrap]): (readonly [string, () => Envelope])[] => [
      [`V2, CEK: ${name}`, () => v2(wrap(CEK), oaep(IV))],
      [`V2, IV: ${name}`, () => v2(oaep(CEK), wrap(IV))],
      [`V2, both: ${name}`, () => v2(wrap(CEK), wrap(IV))],
      [`V1, CEK: ${name}`, () => v1(wrap(CEK), oaep('8'))],
      // Without its only digit, a start is empty. With another zero byte, it is not a number.
      [`V1, start: ${name}`, () => v1(oaep(CEK), wrap(startText))],
      [`V1, both: ${name}`, () => v1(wrap(CEK), wrap(startText))],
    ]),
    ['V2: CEK and IV exchanged', () => v2(oaep(IV), oaep(CEK))],
    ['V2: a decimal start in place of an IV', () => v2(oaep(CEK), oaep('8'))],
    ['V1: an IV in place of a start', () => v1(oaep(CEK), oaep(IV))],
    ['V2 under the name of V1', () => v2(oaep(CEK), oaep(IV), 'rsa')],
    ['V1 under the name of V2', () => v1(oaep(CEK), oaep('8'), OAEP)],
    ['V2 under the name of PKCS#1', () => v2(oaep(CEK), oaep(IV), 'RSA/NONE/PKCS1Padding')],
    ['V1 under the name of KMS', () => v1(oaep(CEK), oaep('8'), 'kms')],
  ]

  test.each(cases)('each failed unwrap throws the same error without a cause (%s)', async (_name, make) => {
    const error: unknown = await provider()
      .unwrap(make())
      .catch((reason: unknown) => reason)
    expect(error).toStrictEqual(unwrapFailed())
    expect('cause' in (error as Error)).toBe(false)
  })

  test.each([
    '',
    ' 8',
    '8 ',
    '8\n',
    '+8',
    '-8',
    '8.0',
    '8e0',
    '0x8',
    '８',
    'eight',
    '1_0',
    '8\0',
    'NaN',
    '340282366920938463463374607431768211456',
    '0'.repeat(40),
  ])('V1: a start that is not a decimal number of 128 bits is a failed unwrap (%j)', async (text) => {
    await expect(provider().unwrap(v1(oaep(CEK), oaep(text)))).rejects.toStrictEqual(unwrapFailed())
  })

  test('any flipped bit in either header is a failed unwrap', async () => {
    const reader = provider()
    const good = { cek: oaep(CEK), iv: oaep(IV), start: oaep('8') }
    const flip = (text: string, bit: number): string => {
      const bytes = Buffer.from(text, 'base64')
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      return bytes.toString('base64')
    }
    for (let bit = 0; bit < 2048; bit += 37) {
      for (const envelope of [
        v2(flip(good.cek, bit), good.iv),
        v2(good.cek, flip(good.iv, bit)),
        v1(flip(good.cek, bit), good.start),
        v1(good.cek, flip(good.start, bit)),
      ]) {
        await expect(reader.unwrap(envelope)).rejects.toStrictEqual(unwrapFailed())
      }
    }
  })

  test('an aborted signal rejects with its reason', async () => {
    const reason = new Error('enough')
    const options = { signal: AbortSignal.abort(reason) }
    await expect(provider().generateContentKey(IV, options)).rejects.toBe(reason)
    await expect(provider().unwrap(v2('', ''), options)).rejects.toBe(reason)
  })
})

test('a V1 object decrypts from its start value as a 128-bit counter', async () => {
  const { cek, iv } = await built().unwrap(v1(oaep(CEK), oaep('18446744073709551615')))
  const decipher = createDecipheriv('aes-256-ctr', cek, iv)
  const zeros = Buffer.alloc(32)
  const next = createDecipheriv('aes-256-ctr', CEK, parseV1Start('18446744073709551616') as Uint8Array)
  expect(decipher.update(zeros).subarray(16)).toEqual(next.update(zeros).subarray(0, 16))
})

describe.runIf(process.platform !== 'win32')('a key file that each user can write', () => {
  test.each(['.private_key.pem', '.public_key.pem'])('is refused (%s)', (name) => {
    const directory = keyDirectory(files)
    chmodSync(join(directory, name), 0o646)
    expect(buildError({ directory })).toMatchObject({
      code: 'ERR_CSE_INVALID_ARGUMENT',
      message: expect.stringContaining(`chmod o-w ${join(directory, name)}`),
    })
    chmodSync(join(directory, name), 0o644)
    expect(built({ directory })).toBeInstanceOf(LocalRsaProvider)
  })

  test.runIf(process.getuid?.() === 0).each(['.private_key.pem', '.public_key.pem'])(
    'or that another user owns is refused (%s)',
    (name) => {
      const directory = keyDirectory(files)
      chownSync(join(directory, name), 65_534, 65_534)
      expect(built({ directory })).toBeInstanceOf(LocalRsaProvider)
      const asMe = vi.spyOn(process as { geteuid: () => number }, 'geteuid').mockReturnValue(12_345)
      try {
        expect(buildError({ directory }).message).toContain('belongs to another user (uid 65534)')
      } finally {
        asMe.mockRestore()
      }
    },
  )
})
