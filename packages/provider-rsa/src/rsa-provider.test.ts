import {
  constants,
  createDecipheriv,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { inspect } from 'node:util'
import { CseError, type Envelope, unwrapFailed } from '@oss-cse/crypto-core'
import fc from 'fast-check'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import {
  envelope,
  makeRsaKeys,
  privatePem,
  publicPem,
  TEST_CERTIFICATE,
  thrownBy,
  vector,
} from '../test/support/keys.ts'
import { RsaProvider, type RsaProviderOptions } from './rsa-provider.ts'

const keys = makeRsaKeys(2048)
const otherKeys = makeRsaKeys(2048)
const weakKeys = makeRsaKeys(1024)
const provider = new RsaProvider({ privateKey: privatePem(keys.privateKey) })
const IV = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 9, 10, 11, 12])
const CEK = Uint8Array.from({ length: 32 }, (_, i) => 255 - i)

function wrap(
  bytes: Uint8Array,
  key: KeyObject = keys.publicKey,
  padding = constants.RSA_PKCS1_PADDING,
): string {
  return publicEncrypt({ key, padding }, bytes).toString('base64')
}

function constructorError(options: RsaProviderOptions): CseError {
  const error = thrownBy(() => new RsaProvider(options))
  if (!CseError.isInstance(error)) throw error
  return error
}

async function unwrapError(broken: Envelope, by: RsaProvider = provider): Promise<CseError> {
  const error: unknown = await by.unwrap(broken).then(
    () => new Error('It unwrapped.'),
    (reason: unknown) => reason,
  )
  if (!CseError.isInstance(error)) throw error
  return error
}

describe('building a provider', () => {
  test('a private key alone encrypts and decrypts', async () => {
    expect(provider.canUnwrap).toBe(true)
    const { cek, wrappedCek, wrappedIv } = await provider.generateContentKey(IV)
    expect(await provider.unwrap(envelope(wrappedCek, wrappedIv))).toEqual({ cek, iv: IV })
  })

  test('a public key alone encrypts, and unwrap throws ERR_CSE_CANNOT_UNWRAP', async () => {
    const encryptOnly = new RsaProvider({ publicKey: publicPem(keys.publicKey) })
    expect(encryptOnly.canUnwrap).toBe(false)
    const { cek, wrappedCek, wrappedIv } = await encryptOnly.generateContentKey(IV)
    expect(await provider.unwrap(envelope(wrappedCek, wrappedIv))).toEqual({ cek, iv: IV })
    expect((await unwrapError(envelope(wrappedCek, wrappedIv), encryptOnly)).code).toBe(
      'ERR_CSE_CANNOT_UNWRAP',
    )
  })

  test.each([
    ['PKCS#1', publicPem(createPublicKey(vector.privateKeyPem), 'pkcs1')],
    ['SPKI', vector.publicKeyPem],
    ['certificate', TEST_CERTIFICATE],
  ])('matching halves are accepted, with the public key as %s', (_form, publicKey) => {
    expect(new RsaProvider({ privateKey: vector.privateKeyPem, publicKey }).canUnwrap).toBe(true)
  })

  test('halves that do not match are refused', () => {
    const error = constructorError({ privateKey: privatePem(keys.privateKey), publicKey: TEST_CERTIFICATE })
    expect(error.code).toBe('ERR_CSE_INVALID_KEY')
    expect(error.message).toContain('do not match')
  })

  test('options without a key are refused, and the error names both options', () => {
    const error = constructorError({})
    expect(error.code).toBe('ERR_CSE_INVALID_ARGUMENT')
    expect(error.message).toContain('`privateKey`')
    expect(error.message).toContain('`publicKey`')
  })

  test.each([
    [undefined],
    [null],
    ['-----BEGIN PRIVATE KEY-----'],
    [{ privateKey: new Uint16Array(1) }],
    [{ publicKey: 7 }],
    [{ privateKey: vector.privateKeyPem, passphrase: 7 }],
    [{ privateKey: vector.privateKeyPem, onWarning: 'x' }],
    [{ privateKey: vector.privateKeyPem, materialDescription: { a: 1 } }],
    [{ privateKey: vector.privateKeyPem, materialDescription: 'a' }],
  ])('options of a wrong type throw ERR_CSE_INVALID_ARGUMENT (%#)', (options) => {
    expect(constructorError(options as unknown as RsaProviderOptions).code).toBe('ERR_CSE_INVALID_ARGUMENT')
  })

  test('the material description is copied and frozen', () => {
    const materialDescription = { key: '2026-11' }
    const named = new RsaProvider({ publicKey: vector.publicKeyPem, materialDescription })
    materialDescription.key = 'changed'
    expect({ ...named.materialDescription }).toEqual({ key: '2026-11' })
    expect(Object.isFrozen(named.materialDescription)).toBe(true)
    expect({ ...provider.materialDescription }).toEqual({})
  })

  test('an encrypted key is read with its passphrase, and refused without it', () => {
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'test only' } as const
    const privateKey = keys.privateKey.export(options).toString()
    expect(new RsaProvider({ privateKey, passphrase: 'test only' }).canUnwrap).toBe(true)
    expect(constructorError({ privateKey }).code).toBe('ERR_CSE_PASSPHRASE')
    expect(constructorError({ privateKey, passphrase: 'wrong' }).code).toBe('ERR_CSE_PASSPHRASE')
  })
})

describe('the key itself', () => {
  beforeEach(() => {
    vi.restoreAllMocks()
  })

  test('with less than 2048 bits it causes a warning', async () => {
    const onWarning = vi.fn<(message: string) => void>()
    const weak = new RsaProvider({ privateKey: privatePem(weakKeys.privateKey), onWarning })
    expect(onWarning).toHaveBeenCalledOnce()
    expect(onWarning.mock.calls[0]?.[0]).toContain('1024 bits')
    const { cek, wrappedCek, wrappedIv } = await weak.generateContentKey(IV)
    expect(await weak.unwrap(envelope(wrappedCek, wrappedIv))).toEqual({ cek, iv: IV })
  })

  test('the warning is a process warning by default', () => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    new RsaProvider({ publicKey: publicPem(weakKeys.publicKey) })
    expect(emitWarning).toHaveBeenCalledWith(expect.stringContaining('1024 bits'), {
      code: 'OSS_CSE_WEAK_KEY',
    })
  })

  test('with 2048 bits it causes no warning', () => {
    const onWarning = vi.fn()
    new RsaProvider({ privateKey: privatePem(keys.privateKey), onWarning })
    expect(onWarning).not.toHaveBeenCalled()
  })

  test('with less than 1024 bits it is refused', () => {
    const small = makeRsaKeys(1016)
    for (const options of [
      { privateKey: privatePem(small.privateKey) },
      { publicKey: publicPem(small.publicKey) },
    ]) {
      expect(constructorError(options).code).toBe('ERR_CSE_INVALID_KEY')
    }
  })

  test('a modulus whose bits do not fill its bytes works', async () => {
    const odd = new RsaProvider({ privateKey: privatePem(makeRsaKeys(1033).privateKey), onWarning: () => {} })
    expect(odd.modulusBits).toBe(1033)
    for (let i = 0; i < 20; i++) {
      const { cek, wrappedCek, wrappedIv } = await odd.generateContentKey(IV)
      expect(await odd.unwrap(envelope(wrappedCek, wrappedIv))).toEqual({ cek, iv: IV })
    }
  })

  // OpenSSL encrypts with an exponent of 1, which changes nothing, and with even ones, which cannot be decrypted.
  test.each(['AQ', 'Ag', 'BA'])('a public exponent that does not encrypt is refused (%s)', (e) => {
    const jwk = { ...keys.publicKey.export({ format: 'jwk' }), e }
    const broken = createPublicKey({ key: jwk, format: 'jwk' })
    expect(constructorError({ publicKey: publicPem(broken) }).code).toBe('ERR_CSE_INVALID_KEY')
  })

  test('a private key that does not decrypt what its public key encrypts is refused before it encrypts anything', () => {
    const modulus = (key: KeyObject): Buffer =>
      Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url')
    const der = keys.privateKey.export({ type: 'pkcs1', format: 'der' })
    der.set(modulus(otherKeys.publicKey), der.indexOf(modulus(keys.publicKey)))
    const privateKey = `-----BEGIN RSA PRIVATE KEY-----\n${der.toString('base64')}\n-----END RSA PRIVATE KEY-----`
    expect(constructorError({ privateKey }).code).toBe('ERR_CSE_INVALID_KEY')
  })
})

describe('wrapping', () => {
  test('node:crypto decrypts the wrapped values: PKCS#1 v1.5 over the raw bytes', async () => {
    const { cek, wrappedCek, wrappedIv } = await provider.generateContentKey(IV)
    // Raw, because Node.js 20 refuses the padding.
    for (const [wrapped, bytes] of [
      [wrappedCek, cek],
      [wrappedIv, IV],
    ] as const) {
      const block = privateDecrypt(
        { key: keys.privateKey, padding: constants.RSA_NO_PADDING },
        Buffer.from(wrapped, 'base64'),
      )
      const separator = block.indexOf(0, 2)
      expect([...block.subarray(0, 2)]).toEqual([0, 2])
      expect(new Uint8Array(block.subarray(separator + 1))).toEqual(new Uint8Array(bytes))
    }
  })

  test.skipIf(process.version.startsWith('v20.'))(
    'node:crypto removes the padding, if it supports that',
    async () => {
      const { cek, wrappedCek } = await provider.generateContentKey(IV)
      const options = { key: keys.privateKey, padding: constants.RSA_PKCS1_PADDING }
      expect(new Uint8Array(privateDecrypt(options, Buffer.from(wrappedCek, 'base64')))).toEqual(cek)
    },
  )

  test('each CEK is new and has 32 bytes, and the same IV is wrapped differently each time', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => provider.generateContentKey(IV)))
    expect(made.every(({ cek }) => cek.length === 32)).toBe(true)
    expect(new Set(made.map(({ cek }) => Buffer.from(cek).toString('hex'))).size).toBe(20)
    expect(new Set(made.map(({ wrappedIv }) => wrappedIv)).size).toBe(20)
  })

  test.each([0, 8, 15, 17, 32])('an IV of %i bytes is refused', async (length) => {
    await expect(provider.generateContentKey(new Uint8Array(length))).rejects.toMatchObject({
      code: 'ERR_CSE_INVALID_ARGUMENT',
    })
  })

  test('an aborted signal rejects with its reason', async () => {
    const reason = new Error('enough')
    const options = { signal: AbortSignal.abort(reason) }
    await expect(provider.generateContentKey(IV, options)).rejects.toBe(reason)
    await expect(provider.unwrap(envelope('', ''), options)).rejects.toBe(reason)
  })
})

describe('unwrapping', () => {
  test('the committed vector decrypts to its plaintext', async () => {
    const { cek, iv } = await new RsaProvider({ privateKey: vector.privateKeyPem }).unwrap(
      envelope(vector.wrappedCek, vector.wrappedIv),
    )
    expect(Buffer.from(cek).toString('base64')).toBe(vector.cek)
    expect(Buffer.from(iv).toString('base64')).toBe(vector.iv)
    const decipher = createDecipheriv('aes-256-ctr', cek, iv)
    const plaintext = Buffer.concat([decipher.update(vector.ciphertext, 'base64'), decipher.final()])
    expect(plaintext.toString('base64')).toBe(vector.plaintext)
  })

  test('any bytes that node:crypto wraps are unwrapped', async () => {
    const cek = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const iv = fc.uint8Array({ minLength: 16, maxLength: 16 })
    await fc.assert(
      fc.asyncProperty(cek, iv, async (key, counter) => {
        expect(await provider.unwrap(envelope(wrap(key), wrap(counter)))).toEqual({ cek: key, iv: counter })
      }),
      { numRuns: 100 },
    )
  })

  test('the wrap algorithm is compared case-insensitively', async () => {
    const lower = envelope(wrap(CEK), wrap(IV), 'rsa/none/pkcs1padding')
    expect(await provider.unwrap(lower)).toEqual({ cek: CEK, iv: IV })
  })

  test('the returned arrays own their memory, so that a wipe leaves no copy', async () => {
    const { cek, iv } = await provider.unwrap(envelope(wrap(CEK), wrap(IV)))
    for (const bytes of [cek, iv]) {
      expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
      expect(bytes.buffer.byteLength).toBe(bytes.length)
    }
  })
})

describe('a failed unwrap', () => {
  const good = { cek: wrap(CEK), iv: wrap(IV) }
  const modulus = BigInt(
    `0x${Buffer.from(keys.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url').toString('hex')}`,
  )
  const toBase64 = (value: bigint, bytes = 256): string =>
    Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex').toString('base64')
  const toNumber = (text: string): bigint => BigInt(`0x${Buffer.from(text, 'base64').toString('hex')}`)

  /** A wrapped value plus the modulus: the same number to code that does not check the range. */
  function wrapBeyondModulus(bytes: Uint8Array): string {
    for (;;) {
      const beyond = toNumber(wrap(bytes)) + modulus
      if (beyond < 1n << 2048n) return toBase64(beyond)
    }
  }

  /** A wrapped value without its leading zero byte: the same number to code that does not check the length. */
  function wrapShortened(bytes: Uint8Array): string {
    for (;;) {
      const wrapped = Buffer.from(wrap(bytes), 'base64')
      if (wrapped[0] === 0) return wrapped.subarray(1).toString('base64')
    }
  }

  /** A block that is invalid only because of `change`. */
  function wrapBlock(message: Uint8Array, change: (block: Uint8Array) => void): string {
    const block = new Uint8Array(256).fill(0xa5)
    block.set([0, 2])
    block[255 - message.length] = 0
    block.set(message, 256 - message.length)
    change(block)
    return wrap(block, keys.publicKey, constants.RSA_NO_PADDING)
  }

  const lengthened = (text: string): string =>
    Buffer.concat([Buffer.alloc(1), Buffer.from(text, 'base64')]).toString('base64')

  const faults: readonly (readonly [string, (message: Uint8Array, wrapped: string) => string])[] = [
    ['an empty text', () => ''],
    ['a text that is not base64', () => '*'.repeat(344)],
    ['base64 without its padding', (_, wrapped) => wrapped.replaceAll('=', '')],
    ['base64 with a line break', (_, wrapped) => `${wrapped.slice(0, 64)}\n${wrapped.slice(64)}`],
    ['base64url', () => Buffer.alloc(256, 0xfb).toString('base64url')],
    ['text in hexadecimal', (_, wrapped) => Buffer.from(wrapped, 'base64').toString('hex')],
    [
      'a ciphertext cut off',
      (_, wrapped) => Buffer.from(wrapped, 'base64').subarray(0, 255).toString('base64'),
    ],
    ['a ciphertext without its leading zero', (message) => wrapShortened(message)],
    ['a ciphertext with a zero more', (_, wrapped) => lengthened(wrapped)],
    ['the ciphertext 0', () => toBase64(0n)],
    ['the ciphertext 1', () => toBase64(1n)],
    ['a ciphertext of the modulus less 1', () => toBase64(modulus - 1n)],
    ['a ciphertext equal to the modulus', () => toBase64(modulus)],
    ['the greatest ciphertext of its length', () => toBase64((1n << 2048n) - 1n)],
    ['a ciphertext with the modulus added', (message) => wrapBeyondModulus(message)],
    ['a ciphertext for another key', (message) => wrap(message, otherKeys.publicKey)],
    ['a random ciphertext', () => toBase64(toNumber(randomBytes(256).toString('base64')) % modulus)],
    ['a ciphertext in OAEP', (message) => wrap(message, keys.publicKey, constants.RSA_PKCS1_OAEP_PADDING)],
    ['a block for signatures', (message) => wrapBlock(message, (block) => block.set([0, 1]))],
    ['a block that starts with 1', (message) => wrapBlock(message, (block) => block.set([1, 2]))],
    [
      'a zero in the first byte of the padding',
      (message) => wrapBlock(message, (block) => block.fill(0, 2, 3)),
    ],
    [
      'a zero in the middle of the padding',
      (message) => wrapBlock(message, (block) => block.fill(0, 90, 91)),
    ],
    [
      'no separator',
      (message) => wrapBlock(message, (block) => block.fill(1, 255 - message.length, 256 - message.length)),
    ],
    ['an empty message', () => wrap(new Uint8Array())],
    ['a message of 1 byte less', (message) => wrap(message.subarray(1))],
    ['a message of 1 byte more', (message) => wrap(Uint8Array.from([...message, 7]))],
    ['the greatest message', () => wrap(new Uint8Array(245).fill(7))],
    [
      'the message in base64, as KMS wraps it',
      (message) => wrap(Buffer.from(Buffer.from(message).toString('base64'))),
    ],
  ]

  const cases: readonly (readonly [string, () => Envelope])[] = [
    ...faults.flatMap(([name, fault]) => [
      [`${name} for the CEK`, () => envelope(fault(CEK, good.cek), good.iv)] as const,
      [`${name} for the IV`, () => envelope(good.cek, fault(IV, good.iv))] as const,
      [`${name} for both`, () => envelope(fault(CEK, good.cek), fault(IV, good.iv))] as const,
    ]),
    ['the CEK and the IV exchanged', () => envelope(good.iv, good.cek)],
    ['the wrap algorithm of KMS', () => envelope(good.cek, good.iv, 'KMS/ALICLOUD')],
    ['the wrap algorithm of OAEP', () => envelope(good.cek, good.iv, 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding')],
    [
      'an envelope of version 1',
      () => {
        const { wrappedIv, ...fields } = envelope(good.cek, good.iv)
        return { ...fields, version: 1, wrappedStart: wrappedIv }
      },
    ],
  ]

  test('does not happen for the envelope on which the cases below are based', async () => {
    expect(await provider.unwrap(envelope(good.cek, good.iv))).toEqual({ cek: CEK, iv: IV })
    const rebuilt = envelope(
      wrapBlock(CEK, () => {}),
      wrapBlock(IV, () => {}),
    )
    expect(await provider.unwrap(rebuilt)).toEqual({ cek: CEK, iv: IV })
  })

  test.each(cases)('throws the same error without a cause for %s', async (_name, make) => {
    const error = await unwrapError(make())
    expect({ ...error, message: error.message }).toEqual({
      ...unwrapFailed(),
      message: unwrapFailed().message,
    })
    expect(error.code).toBe('ERR_CSE_UNWRAP_FAILED')
    expect('cause' in error).toBe(false)
  })

  test('is the result of any flipped bit in either header', async () => {
    const flip = (text: string, bit: number): string => {
      const bytes = Buffer.from(text, 'base64')
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      return bytes.toString('base64')
    }
    for (let bit = 0; bit < 2048; bit += 5) {
      const broken =
        bit % 2 === 0 ? envelope(flip(good.cek, bit), good.iv) : envelope(good.cek, flip(good.iv, bit))
      expect((await unwrapError(broken)).code).toBe('ERR_CSE_UNWRAP_FAILED')
    }
  })

  test('is the result of any other text in either header', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.base64String(), async (text, base64) => {
        expect((await unwrapError(envelope(text, good.iv))).code).toBe('ERR_CSE_UNWRAP_FAILED')
        expect((await unwrapError(envelope(good.cek, base64))).code).toBe('ERR_CSE_UNWRAP_FAILED')
      }),
      { numRuns: 100 },
    )
  })
})

describe('the output of a provider', () => {
  const passphrase = 'the passphrase of a test'
  const pem = keys.privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
    .toString()
  const shown = new RsaProvider({ privateKey: pem, passphrase, materialDescription: { key: '2026-11' } })
  const jwk = keys.privateKey.export({ format: 'jwk' })

  test.each([
    ['inspect', inspect(shown)],
    ['inspect inside another object', inspect({ deep: { shown } }, { depth: 9 })],
    [
      'inspect without custom inspectors',
      inspect(shown, { customInspect: false, showHidden: true, depth: 9 }),
    ],
    ['JSON.stringify', JSON.stringify(shown)],
    ['String', String(shown)],
    [
      'its own properties',
      Reflect.ownKeys(shown)
        .map((key) => inspect(Reflect.get(shown, key)))
        .join(),
    ],
  ])('contains no key and no passphrase: %s', (_how, text) => {
    for (const secret of [passphrase, jwk.d, jwk.p, jwk.q, ...pem.split('\n').slice(1, -2)]) {
      expect(text).not.toContain(secret as string)
    }
    expect(text).not.toMatch(/KeyObject|PRIVATE/)
  })

  test('describes the provider', () => {
    expect(inspect(shown)).toBe(`RsaProvider {
  wrapAlgorithm: 'RSA/NONE/PKCS1Padding',
  modulusBits: 2048,
  materialDescription: { key: '2026-11' },
  canUnwrap: true
}`)
  })
})
