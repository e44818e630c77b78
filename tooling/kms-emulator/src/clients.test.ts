import kms, {
  DecryptRequest,
  EncryptRequest,
  GenerateDataKeyRequest,
  ListKeysRequest,
} from '@alicloud/kms20160120'
import openApi, { OpenApiRequest, Params } from '@alicloud/openapi-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KmsEmulator, startKmsEmulator } from './kms-emulator.ts'

const TOKEN = 'token/with+signs=='
const CONTEXT = '{"bucket":"b","key":"kéy&"}'
let emulator: KmsEmulator
let config: { readonly [name: string]: string }

beforeAll(async () => {
  emulator = await startKmsEmulator({ securityToken: TOKEN })
  config = {
    protocol: 'http',
    endpoint: `127.0.0.1:${emulator.port}`,
    regionId: emulator.region,
    accessKeyId: emulator.accessKeyId,
    accessKeySecret: emulator.accessKeySecret,
    securityToken: TOKEN,
  }
})
afterAll(() => emulator.close())

/** The published type requires a map, which the client would flatten. The service requires JSON. */
const asJson = (context: string): { readonly [name: string]: unknown } => context as never

describe('@alicloud/kms20160120', () => {
  const client = (more: object = {}): InstanceType<typeof kms.default> =>
    new kms.default({ ...config, ...more } as never)

  it('generates a data key and decrypts it', async () => {
    const made = await client().generateDataKey(
      new GenerateDataKeyRequest({ keyId: emulator.keyId, encryptionContext: asJson(CONTEXT) }),
    )
    const back = await client().decrypt(
      new DecryptRequest({ ciphertextBlob: made.ciphertextBlob, encryptionContext: asJson(CONTEXT) }),
    )
    expect(back).toMatchObject({ plaintext: made.plaintext, keyId: emulator.keyId })
    expect(emulator.requests.at(-1)?.protocol).toBe('rpc')
    const none = client().decrypt(new DecryptRequest({ ciphertextBlob: made.ciphertextBlob }))
    await expect(none).rejects.toMatchObject({ data: { Code: 'InvalidParameter' } })
  })

  it('binds nothing with the map that its types require', async () => {
    const { ciphertextBlob } = await client().encrypt(
      new EncryptRequest({ keyId: emulator.keyId, plaintext: '8', encryptionContext: { bucket: 'b' } }),
    )
    expect((await client().decrypt(new DecryptRequest({ ciphertextBlob }))).plaintext).toBe('8')
  })

  it('reads lists', async () => {
    const { keys, totalCount } = await client().listKeys(new ListKeysRequest({ pageSize: 5 }))
    expect([keys.key[0]?.keyId, totalCount]).toEqual([emulator.keyId, 1])
  })

  it('receives the error of a refusal', async () => {
    const call = client({ accessKeySecret: 'other' }).listKeys(new ListKeysRequest({}))
    await expect(call).rejects.toMatchObject({ data: { Code: 'SignatureDoesNotMatch' } })
  })
})

describe.each([
  { signatureAlgorithm: 'ACS3-HMAC-SHA256', protocol: 'acs3' },
  { signatureAlgorithm: 'v2', protocol: 'rpc' },
])('@alicloud/openapi-client with $signatureAlgorithm', ({ signatureAlgorithm, protocol }) => {
  const call = async (
    action: string,
    request: { readonly query?: object; readonly body?: object },
    more: object = {},
  ): Promise<{ readonly [name: string]: unknown }> => {
    const client = new openApi.default({ ...config, signatureAlgorithm, ...more } as never)
    const params = new Params({
      action,
      version: '2016-01-20',
      protocol: 'HTTP',
      pathname: '/',
      method: 'POST',
      authType: 'AK',
      style: 'RPC',
      reqBodyType: 'formData',
      bodyType: 'json',
    })
    const response = await client.callApi(params, new OpenApiRequest(request as never), {} as never)
    return response['body'] as { readonly [name: string]: unknown }
  }

  it.each(['query', 'body'])(
    'generates a data key and decrypts it, with its parameters in the %s',
    async (where) => {
      const EncryptionContext = CONTEXT
      const made = await call('GenerateDataKey', { [where]: { KeyId: emulator.keyId, EncryptionContext } })
      const { CiphertextBlob } = made
      const back = await call('Decrypt', { [where]: { CiphertextBlob, EncryptionContext } })
      expect(back['Plaintext']).toBe(made['Plaintext'])
      expect(emulator.requests.at(-1)?.protocol).toBe(protocol)
      const none = call('Decrypt', { [where]: { CiphertextBlob } })
      await expect(none).rejects.toMatchObject({ code: 'InvalidParameter' })
    },
  )

  it('receives the error of a refusal', async () => {
    const wrong = call('ListKeys', {}, { accessKeySecret: 'other' })
    await expect(wrong).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' })
    emulator.injectFault({ kind: 'throttle' })
    await expect(call('ListKeys', {})).rejects.toMatchObject({ code: 'Throttling.User' })
  })
})
