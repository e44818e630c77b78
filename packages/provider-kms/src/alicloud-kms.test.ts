import { inspect } from 'node:util'
import { CseError } from '@oss-cse/crypto-core'
import { describe, expect, test, vi } from 'vitest'
import { AlicloudKms, type AlicloudKmsOptions } from './alicloud-kms.ts'
import { loadAlicloudSdk } from './alicloud-sdk.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const KEYS = { accessKeyId: 'ak', accessKeySecret: 'sk' }

/** A client of the SDK whose calls run `respond`. */
function sdk(respond: () => unknown = () => ({ plaintext: 'cA==', ciphertextBlob: 'YmxvYg==' })) {
  const call = vi.fn(async (_request: { toMap(): object }, _runtime: object) => respond())
  const client = { generateDataKeyEx: call, encryptEx: call, decryptEx: call }
  return { call, kms: new AlicloudKms({ client: client as never, region: 'cn-hangzhou', timeoutMs: 1234 }) }
}

async function thrownBy(
  respond: () => never,
  operation: 'encrypt' | 'decrypt' = 'encrypt',
): Promise<CseError> {
  const { kms } = sdk(respond)
  const error = await (operation === 'encrypt'
    ? kms.encrypt({ keyId: 'key-1', plaintext: 'SECRET', encryptionContext: { a: 'SECRET' } })
    : kms.decrypt({ ciphertextBlob: 'SECRET' })
  ).then(
    () => expect.unreachable('it resolved'),
    (thrown: unknown) => thrown,
  )
  if (!CseError.isInstance(error)) throw error
  return error
}

/** Throws an error response of KMS as rpc-client 1.3 does. */
function errorResponse(serviceCode: string, status = 400): () => never {
  return () => {
    throw Object.assign(new Error(`${serviceCode}Error: code: ${status}, SECRET requestid: R-1`), {
      code: `${serviceCode}Error`,
      data: { Code: serviceCode, Message: 'server string to sign is: Plaintext%3DSECRET', RequestId: 'R-1' },
    })
  }
}

test('parameters are sent by their names on the wire, and the context as one JSON text', async () => {
  const { kms, call } = sdk()
  const encryptionContext = { a: 'b', ü: '"' }
  await kms.generateDataKey({ keyId: 'k', encryptionContext })
  await kms.encrypt({ keyId: 'k', plaintext: 'p', encryptionContext })
  await kms.decrypt({ ciphertextBlob: 'c' })
  expect(call.mock.calls.map(([request]) => request.toMap())).toEqual([
    { KeyId: 'k', KeySpec: 'AES_256', NumberOfBytes: 32, EncryptionContext: '{"a":"b","ü":"\\""}' },
    { KeyId: 'k', Plaintext: 'p', EncryptionContext: '{"a":"b","ü":"\\""}' },
    { CiphertextBlob: 'c' },
  ])
})

test('both timeouts of the SDK are set on each call', async () => {
  const { kms, call } = sdk()
  await kms.decrypt({ ciphertextBlob: 'c' })
  expect(call.mock.calls[0]?.[1]).toEqual({ readTimeout: 1234, connectTimeout: 1234 })
})

describe('errors', () => {
  test.each([
    ['Throttling', 400, 'ERR_CSE_THROTTLED', true],
    ['Throttling.User', 400, 'ERR_CSE_THROTTLED', true],
    ['Rejected.Throttling', 429, 'ERR_CSE_THROTTLED', true],
    ['InternalFailure', 500, 'ERR_CSE_SERVICE', true],
    ['ServiceUnavailableTemporary', 503, 'ERR_CSE_SERVICE', true],
    ['SerivceUnavailableTemporary', 503, 'ERR_CSE_SERVICE', true],
    ['Forbidden.KeyNotFound', 404, 'ERR_CSE_MASTER_KEY_NOT_FOUND', false],
    ['Forbidden.AliasNotFound', 404, 'ERR_CSE_MASTER_KEY_NOT_FOUND', false],
    ['Rejected.Disabled', 409, 'ERR_CSE_MASTER_KEY_DISABLED', false],
    ['Rejected.PendingDeletion', 409, 'ERR_CSE_MASTER_KEY_DISABLED', false],
    ['Rejetced.PendingDeletion', 409, 'ERR_CSE_MASTER_KEY_DISABLED', false],
    ['Rejected.PendingImport', 409, 'ERR_CSE_MASTER_KEY_DISABLED', false],
    ['Forbidden.NoPermission', 403, 'ERR_CSE_ACCESS_DENIED', false],
    ['Forbidden.InDebt', 403, 'ERR_CSE_ACCESS_DENIED', false],
    ['InvalidAccessKeyId.NotFound', 404, 'ERR_CSE_ACCESS_DENIED', false],
    ['SignatureDoesNotMatch', 400, 'ERR_CSE_ACCESS_DENIED', false],
    ['InvalidSecurityToken.Malformed', 400, 'ERR_CSE_ACCESS_DENIED', false],
    ['InvalidSecurityToken.Expired', 400, 'ERR_CSE_CREDENTIALS_EXPIRED', false],
    ['InvalidTimeStamp.Expired', 400, 'ERR_CSE_CLOCK_SKEW', false],
    ['IllegalTimestamp', 400, 'ERR_CSE_CLOCK_SKEW', false],
    ['InvalidParameter', 400, 'ERR_CSE_SERVICE', false],
    ['SomethingNew', 400, 'ERR_CSE_SERVICE', false],
    ['SomethingNew', 502, 'ERR_CSE_SERVICE', true],
    ['SomethingNew', 503, 'ERR_CSE_THROTTLED', true],
    ['SomethingNew', 429, 'ERR_CSE_THROTTLED', true],
    ['NeverHeardOf', 501, 'ERR_CSE_SERVICE', false],
  ] as const)(
    'the error code of KMS decides: %s (%i) throws %s',
    async (serviceCode, status, expected, retryable) => {
      expect(await thrownBy(errorResponse(serviceCode, status))).toMatchObject({
        code: expected,
        retryable,
        serviceCode,
        status,
        requestId: 'R-1',
        message: expect.stringMatching(/^Encrypt under key-1 in cn-hangzhou failed: .*\(.*R-1\)$/),
      })
    },
  )

  test.each(['InvalidParameter', 'InvalidParameter.CiphertextBlob', 'InvalidCiphertext'])(
    'a blob or context that KMS calls invalid is a mismatch, without detail: %s',
    async (serviceCode) => {
      const error = await thrownBy(errorResponse(serviceCode), 'decrypt')
      expect(error.code).toBe('ERR_CSE_UNWRAP_FAILED')
      expect(error.message).not.toContain('R-1')
    },
  )

  const named = (name: string, message = 'SECRET') => Object.assign(new Error(message), { name })
  test.each<[string, unknown, string, 'no' | 'now' | 'later']>([
    [
      'a read timeout',
      named('RequestTimeoutError', 'ReadTimeout. POST /?Plaintext=SECRET failed.'),
      'ERR_CSE_TIMEOUT',
      'later',
    ],
    [
      'a page of a gateway',
      new SyntaxError('Unexpected token <, "<html>SECRET" is not valid JSON'),
      'ERR_CSE_SERVICE',
      'now',
    ],
    [
      'a reset',
      Object.assign(new Error('POST /?Plaintext=SECRET'), { code: 'ECONNRESET' }),
      'ERR_CSE_NETWORK',
      'now',
    ],
    [
      'a refused connection',
      Object.assign(new Error('SECRET'), { code: 'ECONNREFUSED' }),
      'ERR_CSE_NETWORK',
      'later',
    ],
    [
      'an unknown host',
      Object.assign(new Error('SECRET'), { code: 'ENOTFOUND' }),
      'ERR_CSE_NETWORK',
      'later',
    ],
    [
      'an untrusted certificate',
      Object.assign(new Error('SECRET'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }),
      'ERR_CSE_NETWORK',
      'no',
    ],
    ['a server without TLS', Object.assign(new Error('SECRET'), { code: 'EPROTO' }), 'ERR_CSE_NETWORK', 'no'],
    ['a fault of the SDK', new TypeError('SECRET'), 'ERR_CSE_SERVICE', 'no'],
    ['no error at all', 'SECRET', 'ERR_CSE_SERVICE', 'no'],
    ['nothing', undefined, 'ERR_CSE_SERVICE', 'no'],
    [
      'a response that is not a map of strings',
      Object.assign(new Error('SECRET'), { data: { Code: 'SEC RET', RequestId: { a: 'SECRET' } } }),
      'ERR_CSE_SERVICE',
      'no',
    ],
  ])('%s has its own code, and reveals nothing of the request', async (_name, thrown, expected, again) => {
    for (const operation of ['encrypt', 'decrypt'] as const) {
      const error = await thrownBy(() => {
        throw thrown
      }, operation)
      expect(error).toMatchObject({
        code: expected,
        retryable: again !== 'no',
        retriesExhausted: again === 'later',
      })
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/SEC ?RET/)
      expect(error.cause).toBeUndefined()
    }
  })

  test('the message for an untrusted certificate says what to set', async () => {
    const error = await thrownBy(() => {
      throw Object.assign(new Error(), { code: 'SELF_SIGNED_CERT_IN_CHAIN' })
    })
    expect(error.message).toContain('NODE_EXTRA_CA_CERTS')
  })

  test.each(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER'])(
    'the message for %s mentions http://',
    async (code) => {
      const error = await thrownBy(() => {
        throw Object.assign(new Error(), { code })
      })
      expect(error.message).toMatch(/TLS handshake failed .*plain HTTP.*http:\/\//)
    },
  )

  test('KMS’s own message is not shown: it repeats the request if a signature does not match', async () => {
    for (const serviceCode of ['SignatureDoesNotMatch', 'SomethingNew']) {
      const error = await thrownBy(errorResponse(serviceCode))
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('SECRET')
    }
  })
})

test('a call rejects at once with the reason of its aborted signal', async () => {
  const reason = new Error('stop')
  const controller = new AbortController()
  const { kms, call } = sdk(() => {
    controller.abort(reason)
    return new Promise(() => {})
  })
  await expect(kms.decrypt({ ciphertextBlob: 'c', signal: controller.signal })).rejects.toBe(reason)
  await expect(kms.decrypt({ ciphertextBlob: 'c', signal: controller.signal })).rejects.toBe(reason)
  expect(call).toHaveBeenCalledOnce()
})

describe('options', () => {
  test.each<[string, unknown]>([
    ['no options', undefined],
    ['no region', { ...KEYS }],
    ['a malformed region', { ...KEYS, region: 'cn hangzhou' }],
    ['no keys', { region: 'cn-hangzhou' }],
    ['half a key', { region: 'cn-hangzhou', accessKeyId: 'ak' }],
    ['an empty token', { ...KEYS, region: 'cn-hangzhou', securityToken: '' }],
    ['keys and credentials', { ...KEYS, region: 'cn-hangzhou', credentials: { getCredential() {} } }],
    ['credentials without getCredential', { region: 'cn-hangzhou', credentials: {} }],
    ['an endpoint with a path', { ...KEYS, region: 'cn-hangzhou', endpoint: 'https://kms.example/path' }],
    ['an endpoint of another protocol', { ...KEYS, region: 'cn-hangzhou', endpoint: 'ftp://kms.example' }],
    [
      'an endpoint that would send keys in plaintext',
      { ...KEYS, region: 'cn-hangzhou', endpoint: 'http://kms.example' },
    ],
    ['an endpoint without a host', { ...KEYS, region: 'cn-hangzhou', endpoint: 'https://' }],
    ['a timeout of zero', { ...KEYS, region: 'cn-hangzhou', timeoutMs: 0 }],
    ['a client without the methods', { client: { encrypt() {} } }],
    ['the module instead of a client', { client: { default: class {} } }],
    ['a client and keys', { client: { generateDataKeyEx() {}, encryptEx() {}, decryptEx() {} }, ...KEYS }],
  ])('are refused by the constructor: %s', (_name, options) => {
    expect(() => new AlicloudKms(options as AlicloudKmsOptions)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  })

  test('the endpoint of another region is refused', () => {
    const build = (endpoint: string) => new AlicloudKms({ ...KEYS, region: 'cn-hangzhou', endpoint })
    expect(() => build('kms.cn-beijing.aliyuncs.com')).toThrow(code('ERR_CSE_WRONG_REGION'))
    expect(() => build('https://kms-vpc.cn-beijing.aliyuncs.com')).toThrow(code('ERR_CSE_WRONG_REGION'))
    for (const endpoint of [
      'kms-vpc.cn-hangzhou.aliyuncs.com',
      'http://127.0.0.1:8080',
      'kst-1.cryptoservice.kms.aliyuncs.com',
    ]) {
      expect(build(endpoint).region).toBe('cn-hangzhou')
    }
  })
})

describe('the SDK, which is installed separately', () => {
  const missing = (name: string) => () => {
    throw Object.assign(new Error(`Cannot find module '${name}'\nRequire stack:\n- x`), {
      code: 'MODULE_NOT_FOUND',
    })
  }

  test('the error says what to install if it is missing', () => {
    expect(() => loadAlicloudSdk(missing('@alicloud/kms20160120'))).toThrow(
      'npm install @alicloud/kms20160120',
    )
  })

  test.each(['@alicloud/tea-typescript', 'debug'])(
    'the error quotes the missing setting if an undeclared dependency is missing: %s',
    (name) => {
      expect(() => loadAlicloudSdk(missing(name))).toThrow(
        expect.objectContaining({
          code: 'ERR_CSE_INVALID_ARGUMENT',
          message: expect.stringMatching(
            new RegExp(`"${name}"[^]*packageExtensions:[^]*debug: \\^4[^]*"@alicloud/tea-typescript": \\^1`),
          ),
        }),
      )
    },
  )

  test('the error names the required version if the installed one is another', () => {
    expect(() => loadAlicloudSdk(() => ({}))).toThrow('version 1.2')
  })

  test('any other error of the SDK is the cause', () => {
    const cause = new Error('broken')
    const load = (): never => {
      throw cause
    }
    expect(() => loadAlicloudSdk(load)).toThrow(expect.objectContaining({ cause }))
  })

  test('the installed version exports a class that makes clients', () => {
    const Client = loadAlicloudSdk()
    expect(new Client({ ...KEYS, endpoint: 'localhost', regionId: 'x' })).toHaveProperty('decryptEx')
  })
})

describe('credentials', () => {
  const region = 'cn-hangzhou'
  const endpoint = 'http://127.0.0.1:1'

  test('that never arrive cause a timeout, and no request is sent', async () => {
    const credentials = { getCredential: () => new Promise<never>(() => {}) }
    const kms = new AlicloudKms({ region, endpoint, credentials, timeoutMs: 5 })
    await expect(kms.decrypt({ ciphertextBlob: 'YQ==' })).rejects.toMatchObject({
      code: 'ERR_CSE_TIMEOUT',
      message: expect.stringContaining('No request was sent'),
    })
  })

  test('that cannot be obtained throw ERR_CSE_ACCESS_DENIED, with their own error as the cause', async () => {
    const cause = new Error('nothing was found')
    const credentials = { getCredential: () => Promise.reject(cause) }
    const kms = new AlicloudKms({ region, endpoint, credentials })
    await expect(kms.decrypt({ ciphertextBlob: 'YQ==' })).rejects.toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      cause,
    })
  })

  test('are requested once by concurrent calls', async () => {
    const getCredential = vi.fn(async () => KEYS)
    const kms = new AlicloudKms({ region, endpoint, credentials: { getCredential } })
    await Promise.allSettled([
      kms.decrypt({ ciphertextBlob: 'YQ==' }),
      kms.decrypt({ ciphertextBlob: 'YQ==' }),
    ])
    expect(getCredential).toHaveBeenCalledTimes(1)
  })
})
