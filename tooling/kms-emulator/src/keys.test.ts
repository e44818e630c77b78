import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type KmsEmulator, startKmsEmulator } from './kms-emulator.ts'
import { acs3Call, rpcCall, succeed, type Texts } from './testing/signed-call.ts'

const DAY_MS = 86_400_000
let now: Date
let emulator: KmsEmulator

beforeEach(async () => {
  now = new Date('2026-03-01T12:00:00.500Z')
  emulator = await startKmsEmulator({ clock: () => now })
})
afterEach(() => emulator.close())

const call = (action: string, parameters: Texts = {}): Promise<Texts> =>
  succeed(acs3Call(emulator, action, parameters, { now }))
const refusal = async (action: string, parameters: Texts): Promise<readonly [number, unknown]> =>
  (await acs3Call(emulator, action, parameters, { now })).refusal
const metadata = async (KeyId: string): Promise<Texts> =>
  (await call('DescribeKey', { KeyId }))['KeyMetadata'] as unknown as Texts
const blobOf = async (KeyId: string): Promise<string> =>
  (await call('Encrypt', { KeyId, Plaintext: '8' }))['CiphertextBlob'] ?? ''

describe('CreateKey', () => {
  it('makes a usable key and returns its metadata', async () => {
    const response = await call('CreateKey', { Description: 'mine', ProtectionLevel: 'HSM' })
    const made = response['KeyMetadata'] as unknown as Texts
    expect(made).toEqual({
      KeyId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      Arn: `acs:kms:cn-hangzhou:1234567890123456:key/${made['KeyId']}`,
      CreationDate: '2026-03-01T12:00:00Z',
      Creator: '1234567890123456',
      Description: 'mine',
      KeyState: 'Enabled',
      KeySpec: 'Aliyun_AES_256',
      KeyUsage: 'ENCRYPT/DECRYPT',
      Origin: 'Aliyun_KMS',
      ProtectionLevel: 'HSM',
      PrimaryKeyVersion: expect.stringMatching(/^[0-9a-f-]{36}$/),
      LastRotationDate: '2026-03-01T12:00:00Z',
      AutomaticRotation: 'Disabled',
      DeletionProtection: 'Disabled',
      DeleteDate: '',
      MaterialExpireTime: '',
    })
    expect(await metadata(made['KeyId'] ?? '')).toEqual(made)
    expect(await blobOf(made['KeyId'] ?? '')).toBeTruthy()
  })

  it.each([
    ['KeySpec', 'RSA_2048'],
    ['KeyUsage', 'SIGN/VERIFY'],
    ['Origin', 'EXTERNAL'],
    ['ProtectionLevel', 'NONE'],
    ['Description', 'x'.repeat(8193)],
  ])('refuses any other %s', async (name, value) => {
    expect(await refusal('CreateKey', { [name]: value })).toEqual([400, 'InvalidParameter'])
  })

  it('accepts a description of 8192 characters', async () => {
    await call('CreateKey', { Description: 'x'.repeat(8192) })
  })
})

describe('ListKeys', () => {
  it('returns pages, the oldest key first', async () => {
    const keyIds = [emulator.keyId]
    for (let i = 0; i < 11; i++) {
      now = new Date(now.getTime() + 1000)
      keyIds.push((await emulator.createKey()).keyId)
    }
    const page = async (parameters: Texts): Promise<unknown> => {
      const response = await call('ListKeys', parameters)
      const { Key } = response['Keys'] as unknown as { Key: readonly Texts[] }
      return [
        Key.map(({ KeyId }) => KeyId),
        response['PageNumber'],
        response['PageSize'],
        response['TotalCount'],
      ]
    }
    expect(await page({})).toEqual([keyIds.slice(0, 10), 1, 10, 12])
    expect(await page({ PageNumber: '2' })).toEqual([keyIds.slice(10), 2, 10, 12])
    expect(await page({ PageNumber: '3', PageSize: '5' })).toEqual([keyIds.slice(10), 3, 5, 12])
    expect(await page({ PageNumber: '9', PageSize: '100' })).toEqual([[], 9, 100, 12])
  })

  it.each([
    ['PageSize', '0'],
    ['PageSize', '101'],
    ['PageNumber', '0'],
  ])('refuses %s %s', async (name, value) => {
    expect(await refusal('ListKeys', { [name]: value })).toEqual([400, 'InvalidParameter'])
  })
})

describe('a key', () => {
  it('is named by id, by ARN and by alias', async () => {
    const { keyId, arn } = await emulator.createKey({ description: 'named' })
    await call('CreateAlias', { KeyId: keyId, AliasName: 'alias/photos/1' })
    const aliasArn = arn.replace(`key/${keyId}`, 'alias/photos/1')
    for (const name of [keyId, arn, 'alias/photos/1', aliasArn]) {
      expect(await metadata(name)).toMatchObject({ KeyId: keyId, Description: 'named' })
    }
    await call('DeleteAlias', { AliasName: 'alias/photos/1' })
    expect(await refusal('DescribeKey', { KeyId: aliasArn })).toEqual([404, 'Forbidden.AliasNotFound'])
  })

  it.each([
    '00000000-0000-0000-0000-000000000000',
    '../../etc/passwd',
    'acs:kms:cn-beijing:1234567890123456:key/KEY',
    'acs:kms:cn-hangzhou:1:key/KEY',
  ])('is not found as %s', async (name) => {
    const KeyId = name.replace('KEY', emulator.keyId)
    expect(await refusal('DescribeKey', { KeyId })).toEqual([404, 'Forbidden.KeyNotFound'])
  })

  it('has well-formed, unique aliases', async () => {
    const KeyId = emulator.keyId
    await call('CreateAlias', { KeyId, AliasName: 'alias/a' })
    const again = { KeyId, AliasName: 'alias/a' }
    expect(await refusal('CreateAlias', again)).toEqual([400, 'AliasAlreadyExists'])
    for (const AliasName of ['a', 'alias/', 'alias/a b']) {
      expect(await refusal('CreateAlias', { KeyId, AliasName })).toEqual([400, 'InvalidParameter'])
    }
    expect(await refusal('DeleteAlias', { AliasName: 'alias/b' })).toEqual([404, 'Forbidden.AliasNotFound'])
  })

  it('encrypts and decrypts only while it is enabled', async () => {
    const KeyId = emulator.keyId
    const CiphertextBlob = await blobOf(KeyId)
    const other = await emulator.createKey()
    const refused = async (): Promise<unknown> =>
      new Set(
        await Promise.all(
          [
            refusal('Encrypt', { KeyId, Plaintext: '8' }),
            refusal('GenerateDataKey', { KeyId }),
            refusal('GenerateDataKeyWithoutPlaintext', { KeyId }),
            refusal('Decrypt', { CiphertextBlob }),
            refusal('ReEncrypt', { CiphertextBlob, DestinationKeyId: other.keyId }),
          ].map(async (response) => (await response).join(' ')),
        ),
      )
    await call('DisableKey', { KeyId })
    expect(await refused()).toEqual(new Set(['409 Rejected.Disabled']))
    expect((await metadata(KeyId))['KeyState']).toBe('Disabled')
    await call('EnableKey', { KeyId })
    expect(await refused()).toEqual(new Set(['200 ']))
    await emulator.deleteKey(KeyId)
    expect(await refused()).toEqual(new Set(['409 Rejected.PendingDeletion']))
    await emulator.deleteKey(other.keyId, { immediately: true })
    expect(await refusal('Encrypt', { KeyId: other.keyId, Plaintext: '8' })).toEqual([
      404,
      'Forbidden.KeyNotFound',
    ])
  })

  it('refuses its blobs by its state even with a wrong context, and its id is recorded', async () => {
    const CiphertextBlob = await blobOf(emulator.keyId)
    await emulator.disableKey(emulator.keyId)
    const wrong = { CiphertextBlob, EncryptionContext: '{"a":"b"}' }
    expect(await refusal('Decrypt', wrong)).toEqual([409, 'Rejected.Disabled'])
    expect(emulator.requests.at(-1)).toMatchObject({
      action: 'Decrypt',
      keyId: emulator.keyId,
      errorCode: 'Rejected.Disabled',
    })
    await emulator.enableKey(emulator.keyId)
    expect((await call('Decrypt', { CiphertextBlob }))['Plaintext']).toBe('8')
  })

  it('keeps its state while its deletion is scheduled', async () => {
    const KeyId = emulator.keyId
    await call('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: '7' })
    expect(await metadata(KeyId)).toMatchObject({
      KeyState: 'PendingDeletion',
      DeleteDate: '2026-03-08T12:00:00Z',
    })
    for (const action of ['EnableKey', 'DisableKey', 'ScheduleKeyDeletion', 'CreateAlias']) {
      const all = { KeyId, PendingWindowInDays: '7', AliasName: 'alias/a' }
      expect(await refusal(action, all)).toEqual([409, 'Rejected.StateModifiedFailed'])
    }
    await call('CancelKeyDeletion', { KeyId })
    expect(await metadata(KeyId)).toMatchObject({ KeyState: 'Enabled', DeleteDate: '' })
    expect(await refusal('CancelKeyDeletion', { KeyId })).toEqual([409, 'Rejected.StateModifiedFailed'])
  })

  it.each([
    ['6', [400, 'InvalidParameter']],
    ['366', [200, undefined]],
    ['367', [400, 'InvalidParameter']],
    ['', [400, 'MissingParameter']],
  ])('can be scheduled for deletion in "%s" days: %s', async (PendingWindowInDays, expected) => {
    const all = { KeyId: emulator.keyId, PendingWindowInDays }
    expect(await refusal('ScheduleKeyDeletion', all)).toEqual(expected)
  })

  it('is deleted at the scheduled time, and its blobs can no longer be decrypted', async () => {
    const KeyId = emulator.keyId
    const CiphertextBlob = await blobOf(KeyId)
    await call('CreateAlias', { KeyId, AliasName: 'alias/a' })
    await emulator.deleteKey(KeyId)
    now = new Date(now.getTime() + 7 * DAY_MS - 1)
    expect(await refusal('Decrypt', { CiphertextBlob })).toEqual([409, 'Rejected.PendingDeletion'])
    now = new Date(now.getTime() + 1)
    expect(await refusal('Decrypt', { CiphertextBlob })).toEqual([404, 'Forbidden.KeyNotFound'])
    expect(await refusal('DescribeKey', { KeyId })).toEqual([404, 'Forbidden.KeyNotFound'])
    expect(await refusal('DescribeKey', { KeyId: 'alias/a' })).toEqual([404, 'Forbidden.AliasNotFound'])
    expect((await call('ListKeys'))['TotalCount']).toBe(0)
    await expect(emulator.enableKey(KeyId)).rejects.toThrow('not found')
  })

  it('is deleted at once on request', async () => {
    const CiphertextBlob = await blobOf(emulator.keyId)
    await emulator.deleteKey(emulator.keyId, { immediately: true })
    expect(await refusal('Decrypt', { CiphertextBlob })).toEqual([404, 'Forbidden.KeyNotFound'])
  })

  it('encrypts with the new version after a rotation, and decrypts blobs of the old versions', async () => {
    const KeyId = emulator.keyId
    const old = await call('GenerateDataKey', { KeyId })
    now = new Date(now.getTime() + DAY_MS)
    const { keyVersionId } = await emulator.rotateKey(KeyId)
    expect(keyVersionId).not.toBe(old['KeyVersionId'])
    expect(await metadata(KeyId)).toMatchObject({
      PrimaryKeyVersion: keyVersionId,
      LastRotationDate: '2026-03-02T12:00:00Z',
    })
    const CiphertextBlob = old['CiphertextBlob'] ?? ''
    expect(await call('Decrypt', { CiphertextBlob })).toMatchObject({
      Plaintext: old['Plaintext'],
      KeyVersionId: old['KeyVersionId'],
    })
    expect((await call('GenerateDataKey', { KeyId }))['KeyVersionId']).toBe(keyVersionId)
    const moved = await call('ReEncrypt', { CiphertextBlob, DestinationKeyId: KeyId })
    expect(moved['KeyVersionId']).toBe(keyVersionId)
    await emulator.disableKey(KeyId)
    await expect(emulator.rotateKey(KeyId)).rejects.toThrow('Disabled')
  })
})

describe('the emulator', () => {
  it('uses the region of its options', async () => {
    const beijing = await startKmsEmulator({ region: 'cn-beijing' })
    const { arn } = await beijing.createKey()
    expect([beijing.region, arn.split(':')[2]]).toEqual(['cn-beijing', 'cn-beijing'])
    expect((await rpcCall(beijing, 'DescribeKey', { KeyId: arn })).status).toBe(200)
    await beijing.close()
  })
})
