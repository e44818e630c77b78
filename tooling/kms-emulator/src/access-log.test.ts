import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startKmsEmulator } from './kms-emulator.ts'
import { acs3Call, rawCall, rpcCall, succeed } from './testing/signed-call.ts'

describe('the access log and the recorded requests', () => {
  it('contain the operations and no secrets', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kms-emulator-'))
    const accessLog = join(directory, 'logs', 'access.log')
    const securityToken = 'SECRET-TOKEN'
    const emulator = await startKmsEmulator({ accessLog, securityToken, accessKeySecret: 'SECRET-KEY' })
    const EncryptionContext = '{"SECRET-NAME":"SECRET-VALUE"}'
    const secrets: string[] = []
    for (const call of [rpcCall, acs3Call]) {
      for (const form of [false, true]) {
        const options = { securityToken, form }
        const Plaintext = 'SECRET-PLAINTEXT'
        const encrypt = { KeyId: emulator.keyId, Plaintext, EncryptionContext }
        const sealed = await succeed(call(emulator, 'Encrypt', encrypt, options))
        const made = await succeed(call(emulator, 'GenerateDataKey', { KeyId: emulator.keyId }, options))
        const CiphertextBlob = sealed['CiphertextBlob'] ?? ''
        await call(emulator, 'Decrypt', { CiphertextBlob, EncryptionContext }, options)
        await call(emulator, 'Decrypt', { CiphertextBlob }, options)
        await call(emulator, 'SECRET-ACTION', { KeyId: 'SECRET-KEY-ID' }, options)
        await call(emulator, 'DescribeKey', { KeyId: 'SECRET-KEY-ID' }, options)
        await call(emulator, 'ListKeys', {}, { securityToken: 'SECRET-OTHER', accessKeyId: 'SECRET-ID' })
        secrets.push(CiphertextBlob, made['Plaintext'] ?? '', made['CiphertextBlob'] ?? '')
      }
    }
    await rawCall(emulator, { method: 'GET', path: '/SECRET-PATH?SECRET-QUERY', headers: {} })
    emulator.injectFault({ kind: 'reset' })
    await expect(rpcCall(emulator, 'ListKeys', {}, { securityToken })).rejects.toThrow()
    const log = readFileSync(accessLog, 'utf8')
    await emulator.close()
    rmSync(directory, { recursive: true })

    for (const text of [log, JSON.stringify(emulator.requests)]) {
      expect(text).not.toMatch(/SECRET|Signature=/)
      for (const secret of secrets) expect(text.includes(secret)).toBe(false)
    }
    const lines = log.trim().split('\n')
    expect(lines.length).toBe(4 * 7 + 2)
    const parsed = lines.map((line) => JSON.parse(line) as unknown)
    expect(parsed[0]).toEqual({
      time: expect.stringMatching(/Z$/),
      requestId: expect.any(String),
      protocol: 'rpc',
      action: 'Encrypt',
      accessKeyId: emulator.accessKeyId,
      keyId: emulator.keyId,
      status: 200,
      durationMs: expect.any(Number),
    })
    expect(parsed[3]).toMatchObject({ action: 'Decrypt', status: 400, errorCode: 'InvalidParameter' })
    expect(parsed.at(-1)).toMatchObject({ action: 'ListKeys', status: 0, fault: 'reset' })
  })

  it('are limited, and can be reset', async () => {
    const emulator = await startKmsEmulator({ maxRecordedRequests: 2 })
    for (const action of ['ListKeys', 'DescribeKey', 'Decrypt']) await rpcCall(emulator, action)
    expect(emulator.requests.map(({ action }) => action)).toEqual(['DescribeKey', 'Decrypt'])
    emulator.resetRequests()
    expect(emulator.requests).toEqual([])
    await emulator.close()
  })
})
