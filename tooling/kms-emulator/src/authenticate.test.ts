import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type KmsEmulator, startKmsEmulator } from './kms-emulator.ts'
import { acs3Call, type CallOptions, rawCall, rpcCall } from './testing/signed-call.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const later = (ms: number): Date => new Date(NOW.getTime() + ms)

let emulator: KmsEmulator

beforeEach(async () => {
  emulator = await startKmsEmulator({ clock: () => NOW })
})
afterEach(() => emulator.close())

describe.each([
  { generation: 'rpc', call: rpcCall },
  { generation: 'acs3', call: acs3Call },
])('a request of the $generation generation', ({ generation, call }) => {
  const refusal = async (options: CallOptions): Promise<readonly [number, unknown]> =>
    (await call(emulator, 'DescribeKey', { KeyId: emulator.keyId }, { now: NOW, ...options })).refusal

  it.each([{ method: 'POST' }, { method: 'GET' }, { method: 'POST', form: true }])(
    'is accepted if it is signed: $method, form: $form',
    async (options) => {
      expect(await refusal(options)).toEqual([200, undefined])
      expect(emulator.requests.at(-1)).toMatchObject({
        protocol: generation,
        action: 'DescribeKey',
        accessKeyId: emulator.accessKeyId,
        keyId: emulator.keyId,
        status: 200,
      })
    },
  )

  it('is refused if it is signed with another secret', async () => {
    const options = { now: NOW, accessKeySecret: 'other' }
    const { fields } = await call(emulator, 'DescribeKey', { KeyId: emulator.keyId }, options)
    // The Python SDK reads the text after the colon as the string to sign.
    expect(fields).toMatchObject({ Code: 'SignatureDoesNotMatch', Message: expect.stringMatching(/:/) })
    expect(await refusal({ accessKeySecret: 'other' })).toEqual([400, 'SignatureDoesNotMatch'])
  })

  it('is refused if its access key is unknown, and that id is not recorded', async () => {
    expect(await refusal({ accessKeyId: 'secret-by-mistake' })).toEqual([404, 'InvalidAccessKeyId.NotFound'])
    expect(JSON.stringify(emulator.requests)).not.toContain('secret-by-mistake')
  })

  it('is refused if it is repeated', async () => {
    const options = { nonce: 'once' }
    expect(await refusal(options)).toEqual([200, undefined])
    expect(await refusal(options)).toEqual([400, 'SignatureNonceUsed'])
  })

  it('does not use up its nonce if it is not signed', async () => {
    expect(await refusal({ nonce: 'once', accessKeySecret: 'other' })).toEqual([400, 'SignatureDoesNotMatch'])
    expect(await refusal({ nonce: 'once' })).toEqual([200, undefined])
  })

  it.each([
    { skewMs: -900_000, expected: [200, undefined] },
    { skewMs: 900_000, expected: [200, undefined] },
    { skewMs: -901_000, expected: [400, 'InvalidTimeStamp.Expired'] },
    { skewMs: 901_000, expected: [400, 'InvalidTimeStamp.Expired'] },
  ])('may differ from the clock by 15 minutes: $skewMs ms', async ({ skewMs, expected }) => {
    expect(await refusal({ now: later(skewMs) })).toEqual(expected)
  })

  it.each([
    ['2026-03-01 12:00:00', 'InvalidTimeStamp.Format'],
    ['2026-13-01T12:00:00Z', 'InvalidTimeStamp.Format'],
    ['', 'IllegalTimestamp'],
    [undefined, 'IllegalTimestamp'],
  ])('is refused with the time stamp %s', async (text, code) => {
    const common = generation === 'rpc' ? { Timestamp: text } : { 'x-acs-date': text }
    expect(await refusal({ common })).toEqual([400, code])
  })

  it('is refused with any method other than GET and POST', async () => {
    expect(await refusal({ method: 'PUT' })).toEqual([403, 'UnsupportedHTTPMethod'])
  })

  it('is refused if its method is changed in transit', async () => {
    expect(await refusal({ method: 'GET', tamper: { method: 'POST' } })).toEqual([
      400,
      'SignatureDoesNotMatch',
    ])
  })

  it('is refused if the action or the version is unknown', async () => {
    const named = (action: string, common = {}): ReturnType<typeof call> =>
      call(emulator, action, { KeyId: emulator.keyId }, { now: NOW, common })
    expect((await named('GetSecretValue')).refusal).toEqual([404, 'InvalidAction.NotFound'])
    expect((await named('toString')).refusal).toEqual([404, 'InvalidAction.NotFound'])
    expect(emulator.requests.at(-1)?.action).toBeUndefined()
    const version = generation === 'rpc' ? { Version: '2015-01-01' } : { 'x-acs-version': '2015-01-01' }
    expect((await named('DescribeKey', version)).refusal).toEqual([404, 'InvalidVersion'])
    const none = generation === 'rpc' ? { Version: undefined } : { 'x-acs-version': undefined }
    expect((await named('DescribeKey', none)).refusal).toEqual([400, 'MissingParameter'])
    const noAction = generation === 'rpc' ? { Action: undefined } : { 'x-acs-action': undefined }
    expect((await named('DescribeKey', noAction)).refusal).toEqual([400, 'MissingParameter'])
  })

  it('names what it refuses', async () => {
    const response = await call(emulator, 'DescribeKey', {}, { now: NOW })
    expect(response.fields).toEqual({
      RequestId: expect.stringMatching(/^[0-9A-F-]{36}$/),
      HostId: `127.0.0.1:${emulator.port}`,
      Code: 'MissingParameter',
      Message: 'The parameter "KeyId" is needed but not provided.',
      Recommend: expect.stringContaining('q=MissingParameter'),
    })
    expect(response.headers['x-acs-request-id']).toBe(response.fields['RequestId'])
  })

  describe('with a security token', () => {
    const first = { accessKeyId: 'STS.1', accessKeySecret: 's1', securityToken: 'token+1=' }
    const second = { accessKeyId: 'STS.2', accessKeySecret: 's2', securityToken: 'token+2=' }
    beforeEach(() => emulator.setCredentials(first))

    it('is accepted with the right token', async () => {
      expect(await refusal(first)).toEqual([200, undefined])
    })

    it('is refused without a token, and with a wrong or malformed token', async () => {
      const { securityToken: _, ...bare } = first
      expect(await refusal(bare)).toEqual([404, 'InvalidAccessKeyId.NotFound'])
      const other = { ...first, securityToken: 'other' }
      expect(await refusal(other)).toEqual([400, 'InvalidSecurityToken.MismatchWithAccessKey'])
      const malformed = { ...first, securityToken: 'a b' }
      expect(await refusal(malformed)).toEqual([400, 'InvalidSecurityToken.Malformed'])
    })

    it('is refused once the token is replaced, and accepted once it is restored', async () => {
      emulator.setCredentials(second)
      expect(await refusal(first)).toEqual([400, 'InvalidSecurityToken.Expired'])
      expect(await refusal(second)).toEqual([200, undefined])
      emulator.setCredentials(first)
      expect(await refusal(first)).toEqual([200, undefined])
      expect([emulator.accessKeyId, emulator.accessKeySecret]).toEqual(['STS.1', 's1'])
    })

    it('is refused once the token has expired', async () => {
      emulator.expireSecurityToken()
      expect(await refusal(first)).toEqual([400, 'InvalidSecurityToken.Expired'])
    })

    it('is refused for an access key without a token', async () => {
      emulator.setCredentials({ accessKeyId: 'a', accessKeySecret: 'b' })
      const stray = { accessKeyId: 'a', accessKeySecret: 'b', securityToken: 'c' }
      expect(await refusal(stray)).toEqual([400, 'InvalidSecurityToken.MismatchWithAccessKey'])
      expect(() => emulator.expireSecurityToken()).toThrow('no security token')
    })
  })
})

describe('a request of the rpc generation', () => {
  const parameters = { KeyId: 'x', Plaintext: 'p', EncryptionContext: '{"a":"b"}' }
  const refusal = async (options: CallOptions): Promise<readonly [number, unknown]> =>
    (await rpcCall(emulator, 'Encrypt', parameters, { now: NOW, ...options })).refusal

  it.each([
    ['Action', 'Decrypt'],
    ['Format', 'JSON'],
    ['Version', '2016-01-21'],
    ['Timestamp', '2026-03-01T12:00:01Z'],
    ['SignatureNonce', 'another'],
    ['KeyId', 'y'],
    ['Plaintext', 'q'],
    ['EncryptionContext', '{"a":"c"}'],
  ])('is refused if %s is changed in transit, in the query and in a form', async (name, value) => {
    for (const form of [false, true]) {
      const tamper = { parameters: { [name]: value } }
      expect(await refusal({ form, tamper })).toEqual([400, 'SignatureDoesNotMatch'])
    }
  })

  it.each(['Action', 'Version', 'KeyId', 'Plaintext', 'EncryptionContext'])(
    'is refused if %s is removed in transit',
    async (name) => {
      const tamper = { parameters: { [name]: undefined } }
      expect(await refusal({ tamper })).toEqual([400, 'SignatureDoesNotMatch'])
    },
  )

  it('is refused if a parameter is added in transit', async () => {
    const tamper = { parameters: { 'EncryptionContext.a': 'b' } }
    expect(await refusal({ tamper })).toEqual([400, 'SignatureDoesNotMatch'])
  })

  it.each([
    ['AccessKeyId', undefined, 'MissingParameter'],
    ['SignatureNonce', undefined, 'MissingParameter'],
    ['SignatureMethod', undefined, 'MissingParameter'],
    ['SignatureMethod', 'HMAC-SHA256', 'InvalidSignatureMethod'],
    ['SignatureVersion', undefined, 'MissingParameter'],
    ['SignatureVersion', '2.0', 'IncompleteSignature'],
  ])('is refused with %s %s', async (name, value, code) => {
    expect(await refusal({ common: { [name]: value } })).toEqual([400, code])
  })

  it('is refused without a signature', async () => {
    for (const Signature of [undefined, '']) {
      expect(await refusal({ tamper: { parameters: { Signature } } })).toEqual([400, 'IncompleteSignature'])
    }
    const bare = await rawCall(emulator, { method: 'GET', path: '/?Format=json', headers: {} })
    expect(bare.refusal).toEqual([400, 'IncompleteSignature'])
  })

  it('gets an XML response unless it asks for JSON', async () => {
    for (const Format of ['XML', undefined]) {
      const good = await rpcCall(emulator, 'ListKeys', {}, { now: NOW, common: { Format } })
      expect(good.headers['content-type']).toBe('text/xml;charset=utf-8')
      expect(good.text).toContain(
        `<ListKeysResponse><Keys><Key><KeyId>${emulator.keyId}</KeyId><KeyArn>acs:kms:cn-hangzhou:`,
      )
      const bad = await rpcCall(emulator, 'DescribeKey', { KeyId: '<&>' }, { now: NOW, common: { Format } })
      expect([bad.status, /<Code>(.*)<\/Code>/.exec(bad.text)?.[1]]).toEqual([404, 'Forbidden.KeyNotFound'])
    }
    const upper = await rpcCall(emulator, 'ListKeys', {}, { now: NOW, common: { Format: 'JSON' } })
    expect(upper.fields['TotalCount']).toBe(1)
  })
})

describe('a request of the acs3 generation', () => {
  const parameters = { KeyId: 'x', Plaintext: 'p', EncryptionContext: '{"a":"b"}' }
  const refusal = async (options: CallOptions): Promise<readonly [number, unknown]> =>
    (await acs3Call(emulator, 'Encrypt', parameters, { now: NOW, ...options })).refusal

  it.each([
    ['host', 'kms.cn-hangzhou.aliyuncs.com'],
    ['x-acs-action', 'Decrypt'],
    ['x-acs-version', '2016-01-21'],
    ['x-acs-date', '2026-03-01T12:00:01Z'],
    ['x-acs-signature-nonce', 'another'],
    ['x-acs-content-sha256', '0'.repeat(64)],
    ['content-type', 'text/plain'],
  ])('is refused if the header %s is changed in transit', async (name, value) => {
    expect(await refusal({ form: true, tamper: { headers: { [name]: value } } })).toEqual([
      400,
      'SignatureDoesNotMatch',
    ])
  })

  it('is refused if a header of the protocol is not signed', async () => {
    const tamper = { headers: { 'x-acs-security-token': 'added' } }
    expect(await refusal({ tamper })).toEqual([400, 'IncompleteSignature'])
  })

  it.each(['KeyId', 'Plaintext', 'EncryptionContext'])(
    'is refused if %s is changed or removed',
    async (name) => {
      for (const value of ['changed', undefined]) {
        const tamper = { parameters: { [name]: value } }
        expect(await refusal({ tamper })).toEqual([400, 'SignatureDoesNotMatch'])
      }
    },
  )

  it('is refused if its body is changed, added or removed', async () => {
    expect(await refusal({ form: true, tamper: { body: 'KeyId=y' } })).toEqual([400, 'SignatureDoesNotMatch'])
    expect(await refusal({ form: true, tamper: { body: '' } })).toEqual([400, 'SignatureDoesNotMatch'])
    expect(await refusal({ tamper: { body: 'KeyId=y' } })).toEqual([400, 'SignatureDoesNotMatch'])
  })

  it.each([
    ['x-acs-signature-nonce', 'MissingParameter'],
    ['x-acs-content-sha256', 'MissingParameter'],
  ])('is refused without %s', async (name, code) => {
    expect(await refusal({ common: { [name]: undefined } })).toEqual([400, code])
  })

  it.each([
    ['acs id:signature', 'InvalidSignatureMethod'],
    ['ACS3-HMAC-SHA256 Credential=id', 'IncompleteSignature'],
  ])('is refused with the authorization "%s"', async (authorization, code) => {
    expect(await refusal({ tamper: { headers: { authorization } } })).toEqual([400, code])
  })

  it('gets a JSON response unless it accepts only XML', async () => {
    const xml = await acs3Call(emulator, 'ListKeys', {}, { now: NOW, common: { accept: 'application/xml' } })
    expect(xml.text).toMatch(/^<\?xml .*<TotalCount>1<\/TotalCount>/)
  })
})
