import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KmsEmulator, startKmsEmulator } from './kms-emulator.ts'
import { acs3Call, rpcCall, succeed, type Texts } from './testing/signed-call.ts'

let emulator: KmsEmulator

beforeAll(async () => {
  emulator = await startKmsEmulator()
})
afterAll(() => emulator.close())

const call = (action: string, parameters: Texts = {}): Promise<Texts> =>
  succeed(acs3Call(emulator, action, parameters))
const refusal = async (action: string, parameters: Texts): Promise<readonly [number, unknown]> =>
  (await acs3Call(emulator, action, parameters, { form: true })).refusal
const encrypt = (Plaintext: string, more: Texts = {}): Promise<Texts> =>
  succeed(acs3Call(emulator, 'Encrypt', { KeyId: emulator.keyId, Plaintext, ...more }, { form: true }))
const decrypted = async (CiphertextBlob = '', more: Texts = {}): Promise<unknown> =>
  (await call('Decrypt', { CiphertextBlob, ...more }))['Plaintext']

const BAD_BLOB = {
  status: 400,
  fields: { Code: 'InvalidParameter', Message: 'The specified parameter "CiphertextBlob" is not valid.' },
}

describe('Encrypt', () => {
  it.each(['8', 'bm90IGJhc2U2NA==', 'not base64!', ' ', 'é漢😀', 'a&b=c+d%20'])(
    'accepts any text as the plaintext: "%s"',
    async (text) => {
      const { CiphertextBlob } = await encrypt(text)
      expect(await decrypted(CiphertextBlob)).toBe(text)
    },
  )

  it('returns the key and its version, and a new blob each time', async () => {
    const responses = [await encrypt('8'), await encrypt('8')]
    const { KeyMetadata } = await call('DescribeKey', { KeyId: emulator.keyId })
    const { PrimaryKeyVersion } = KeyMetadata as unknown as Texts
    for (const response of responses) {
      expect(response).toMatchObject({ KeyId: emulator.keyId, KeyVersionId: PrimaryKeyVersion })
    }
    expect(responses[0]?.['CiphertextBlob']).not.toBe(responses[1]?.['CiphertextBlob'])
  })

  it('makes base64 blobs whose bytes begin with the version id and are not base64', async () => {
    const { CiphertextBlob = '', KeyVersionId = '' } = await encrypt('8')
    const bytes = Buffer.from(CiphertextBlob, 'base64')
    expect(bytes.toString('base64')).toBe(CiphertextBlob)
    expect(bytes.toString('latin1').slice(0, 36)).toBe(KeyVersionId)
    expect(bytes.length).toBe(36 + 12 + 1 + 16)
    expect(bytes.toString('latin1')).not.toMatch(/^[A-Za-z0-9+/]*={0,2}$/)
  })

  it('accepts 6 KB and not one byte more', async () => {
    const text = `${'é'.repeat(3071)}ab`
    expect(await decrypted((await encrypt(text))['CiphertextBlob'])).toBe(text)
    const more = { KeyId: emulator.keyId, Plaintext: `${text}c` }
    expect(await refusal('Encrypt', more)).toEqual([400, 'InvalidParameter'])
  })

  it('needs a plaintext and a key', async () => {
    expect(await refusal('Encrypt', { KeyId: emulator.keyId })).toEqual([400, 'MissingParameter'])
    const empty = { KeyId: emulator.keyId, Plaintext: '' }
    expect(await refusal('Encrypt', empty)).toEqual([400, 'MissingParameter'])
    expect(await refusal('Encrypt', { Plaintext: '8' })).toEqual([400, 'MissingParameter'])
  })
})

describe('GenerateDataKey', () => {
  it.each([
    { parameters: {}, bytes: 32 },
    { parameters: { KeySpec: 'AES_256' }, bytes: 32 },
    { parameters: { KeySpec: 'AES_128' }, bytes: 16 },
    { parameters: { NumberOfBytes: '1' }, bytes: 1 },
    { parameters: { NumberOfBytes: '1024' }, bytes: 1024 },
    { parameters: { KeySpec: 'AES_128', NumberOfBytes: '32' }, bytes: 32 },
  ])(
    'returns $bytes bytes for $parameters, and Decrypt returns the same text',
    async ({ parameters, bytes }) => {
      const made = await call('GenerateDataKey', { KeyId: emulator.keyId, ...parameters })
      expect(Buffer.from(made['Plaintext'] ?? '', 'base64').length).toBe(bytes)
      expect(await decrypted(made['CiphertextBlob'])).toBe(made['Plaintext'])
    },
  )

  it.each([
    { NumberOfBytes: '0' },
    { NumberOfBytes: '1025' },
    { NumberOfBytes: '-1' },
    { NumberOfBytes: '1.5' },
    { NumberOfBytes: 'x' },
    { KeySpec: 'AES_192' },
  ])('refuses %s', async (parameters) => {
    for (const action of ['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext']) {
      const all = { KeyId: emulator.keyId, ...(parameters as Texts) }
      expect(await refusal(action, all)).toEqual([400, 'InvalidParameter'])
    }
  })

  it('has a variant that returns no plaintext', async () => {
    const made = await call('GenerateDataKeyWithoutPlaintext', { KeyId: emulator.keyId })
    expect(Object.keys(made).sort()).toEqual(['CiphertextBlob', 'KeyId', 'KeyVersionId', 'RequestId'])
    const text = String(await decrypted(made['CiphertextBlob']))
    expect(Buffer.from(text, 'base64').length).toBe(32)
  })
})

describe('Decrypt', () => {
  it('returns key, version and plaintext', async () => {
    const { CiphertextBlob = '', KeyVersionId } = await encrypt('8')
    expect(await call('Decrypt', { CiphertextBlob })).toEqual({
      KeyId: emulator.keyId,
      KeyVersionId,
      Plaintext: '8',
      RequestId: expect.any(String),
    })
  })

  it('returns the same error for each fault of a blob', async () => {
    const { CiphertextBlob = '' } = await encrypt('8')
    const bytes = Buffer.from(CiphertextBlob, 'base64')
    const wrong = [
      '8',
      'no base64!',
      ` ${CiphertextBlob}`,
      CiphertextBlob.replace(/=+$/, '%'),
      Buffer.from(CiphertextBlob).toString('base64'),
      bytes.subarray(0, 63).toString('base64'),
      bytes.subarray(0, -1).toString('base64'),
      Buffer.concat([bytes, Buffer.from([0])]).toString('base64'),
      Buffer.concat([Buffer.from(crypto.randomUUID()), bytes.subarray(36)]).toString('base64'),
    ]
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Uint8Array.from(bytes)
      flipped[i] = (flipped[i] ?? 0) ^ 1
      wrong.push(Buffer.from(flipped).toString('base64'))
    }
    for (const blob of wrong) {
      expect(await rpcCall(emulator, 'Decrypt', { CiphertextBlob: blob })).toMatchObject(BAD_BLOB)
    }
  })

  it('needs a blob', async () => {
    expect(await refusal('Decrypt', {})).toEqual([400, 'MissingParameter'])
  })
})

describe('an encryption context', () => {
  const TWO = '{"bucket":"b","key":"k"}'
  const equal = ['{"key":"k","bucket":"b"}', ' { "bucket" : "\\u0062", "key":"k" } ']
  const different = [
    '',
    '{}',
    '{"bucket":"b"}',
    '{"bucket":"k","key":"b"}',
    '{"bucket":"b","key":"k","x":""}',
  ]

  it.each(['Encrypt', 'GenerateDataKey'])(
    'of %s is bound, in any order and with any JSON escaping',
    async (action) => {
      const parameters = { KeyId: emulator.keyId, Plaintext: '8', EncryptionContext: TWO }
      const { CiphertextBlob = '' } = await call(action, parameters)
      for (const EncryptionContext of [TWO, ...equal]) {
        expect(typeof (await decrypted(CiphertextBlob, { EncryptionContext }))).toBe('string')
      }
      for (const EncryptionContext of different) {
        const response = await acs3Call(emulator, 'Decrypt', { CiphertextBlob, EncryptionContext })
        expect(response).toMatchObject(BAD_BLOB)
      }
      expect(await acs3Call(emulator, 'Decrypt', { CiphertextBlob })).toMatchObject(BAD_BLOB)
    },
  )

  it('is the same as none if it is empty', async () => {
    const none: readonly Texts[] = [{}, { EncryptionContext: '' }, { EncryptionContext: '{}' }]
    for (const made of none) {
      const { CiphertextBlob = '' } = await encrypt('8', made)
      for (const given of none) expect(await decrypted(CiphertextBlob, given)).toBe('8')
      const other = { CiphertextBlob, EncryptionContext: '{"a":"b"}' }
      expect(await acs3Call(emulator, 'Decrypt', other)).toMatchObject(BAD_BLOB)
    }
  })

  it('is not bound if a client flattens it into separate parameters', async () => {
    const flat = { 'EncryptionContext.bucket': 'b' }
    const { CiphertextBlob = '' } = await encrypt('8', flat)
    expect(await decrypted(CiphertextBlob)).toBe('8')
    expect(await decrypted(CiphertextBlob, { 'EncryptionContext.bucket': 'other' })).toBe('8')
    const json = { CiphertextBlob, EncryptionContext: '{"bucket":"b"}' }
    expect(await acs3Call(emulator, 'Decrypt', json)).toMatchObject(BAD_BLOB)
  })

  it('distinguishes entries that only look the same when joined', async () => {
    const { CiphertextBlob = '' } = await encrypt('8', { EncryptionContext: '{"a":"b\\",\\"c"}' })
    const other = { CiphertextBlob, EncryptionContext: '{"a":"b","c":""}' }
    expect(await acs3Call(emulator, 'Decrypt', other)).toMatchObject(BAD_BLOB)
  })

  it.each(['x', 'null', '1', '"a"', '[{"a":"b"}]', '{"a":1}', '{"a":["b"]}', '{"a":"b"'])(
    'is refused if it is %s',
    async (EncryptionContext) => {
      for (const action of ['Encrypt', 'GenerateDataKey', 'Decrypt']) {
        const all = { KeyId: emulator.keyId, Plaintext: '8', CiphertextBlob: 'QQ==', EncryptionContext }
        const response = await acs3Call(emulator, action, all)
        expect(response.status).toBe(400)
        expect(response.fields['Message']).toBe('The specified parameter "EncryptionContext" is not valid.')
      }
    },
  )

  it('has at most 8192 characters', async () => {
    const ofLength = (length: number): string => `{"a":"${'漢'.repeat(length - 8)}"}`
    const { CiphertextBlob } = await encrypt('8', { EncryptionContext: ofLength(8192) })
    expect(CiphertextBlob).toBeTruthy()
    const long = { KeyId: emulator.keyId, Plaintext: '8', EncryptionContext: ofLength(8193) }
    expect(await refusal('Encrypt', long)).toEqual([400, 'InvalidParameter'])
    const inUrl = await rpcCall(emulator, 'Encrypt', { ...long, EncryptionContext: ofLength(8192) })
    expect(inUrl.status).toBe(200)
  })
})

describe('ReEncrypt', () => {
  it('changes the key and the context, and returns no plaintext', async () => {
    const { keyId } = await emulator.createKey()
    const source = await encrypt('8', { EncryptionContext: '{"a":"b"}' })
    const response = await call('ReEncrypt', {
      CiphertextBlob: source['CiphertextBlob'] ?? '',
      SourceEncryptionContext: '{"a":"b"}',
      DestinationKeyId: keyId,
      DestinationEncryptionContext: '{"c":"d"}',
    })
    expect(Object.keys(response).sort()).toEqual(['CiphertextBlob', 'KeyId', 'KeyVersionId', 'RequestId'])
    expect(response['KeyId']).toBe(keyId)
    expect(await decrypted(response['CiphertextBlob'], { EncryptionContext: '{"c":"d"}' })).toBe('8')
  })

  it('refuses a wrong source context, and a destination that is absent or unknown', async () => {
    const { CiphertextBlob = '' } = await encrypt('8', { EncryptionContext: '{"a":"b"}' })
    const to = { CiphertextBlob, DestinationKeyId: emulator.keyId }
    expect(await acs3Call(emulator, 'ReEncrypt', to)).toMatchObject(BAD_BLOB)
    expect(await refusal('ReEncrypt', { CiphertextBlob })).toEqual([400, 'MissingParameter'])
    const unknown = { CiphertextBlob, DestinationKeyId: crypto.randomUUID() }
    expect(await refusal('ReEncrypt', unknown)).toEqual([404, 'Forbidden.KeyNotFound'])
  })
})

describe('many calls at once', () => {
  it('each get their own response', async () => {
    const texts = Array.from({ length: 50 }, (_, i) => `text ${i}`)
    const blobs = await Promise.all(texts.map((text) => encrypt(text)))
    const back = await Promise.all(blobs.map(({ CiphertextBlob }) => decrypted(CiphertextBlob)))
    expect(back).toEqual(texts)
  })
})
