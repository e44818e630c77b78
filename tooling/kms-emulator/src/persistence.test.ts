import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type KmsEmulator, startKmsEmulator } from './kms-emulator.ts'
import { rpcCall, succeed } from './testing/signed-call.ts'

let dataDirectory: string
let running: KmsEmulator[]

beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'kms-emulator-'))
  running = []
})
afterEach(async () => {
  for (const emulator of running) await emulator.close()
  rmSync(dataDirectory, { recursive: true })
})

const start = async (): Promise<KmsEmulator> => {
  const emulator = await startKmsEmulator({ dataDirectory })
  running.push(emulator)
  return emulator
}
const seal = async (emulator: KmsEmulator, KeyId: string): Promise<string> => {
  const response = await succeed(rpcCall(emulator, 'Encrypt', { KeyId, Plaintext: 'kept' }))
  return response['CiphertextBlob'] ?? ''
}
const open = async (emulator: KmsEmulator, CiphertextBlob: string): Promise<unknown> => {
  const response = await rpcCall(emulator, 'Decrypt', { CiphertextBlob })
  return response.fields['Plaintext'] ?? response.fields['Code']
}

describe('a data directory', () => {
  it('keeps keys, versions, aliases and states over a restart', async () => {
    const first = await start()
    const { keyId } = first
    const old = await seal(first, keyId)
    await first.rotateKey(keyId)
    const young = await seal(first, keyId)
    await succeed(rpcCall(first, 'CreateAlias', { KeyId: keyId, AliasName: 'alias/a' }))
    const disabled = (await first.createKey({ description: 'é' })).keyId
    const pending = (await first.createKey()).keyId
    const gone = (await first.createKey()).keyId
    const blobs = [await seal(first, disabled), await seal(first, pending), await seal(first, gone)]
    await first.disableKey(disabled)
    await first.deleteKey(pending)
    await first.deleteKey(gone, { immediately: true })
    await first.close()

    const second = await start()
    expect(second.keyId).toBe(keyId)
    expect([await open(second, old), await open(second, young)]).toEqual(['kept', 'kept'])
    expect(await Promise.all(blobs.map((blob) => open(second, blob)))).toEqual([
      'Rejected.Disabled',
      'Rejected.PendingDeletion',
      'Forbidden.KeyNotFound',
    ])
    const described = await succeed(rpcCall(second, 'DescribeKey', { KeyId: 'alias/a' }))
    expect(described['KeyMetadata']).toMatchObject({ KeyId: keyId })
  })

  it('keeps the first key if it is disabled, and makes another if its deletion is scheduled', async () => {
    const first = await start()
    await first.disableKey(first.keyId)
    expect((await start()).keyId).toBe(first.keyId)
    await first.deleteKey(first.keyId)
    expect((await start()).keyId).not.toBe(first.keyId)
  })

  it('serves several emulators at once, and each sees the changes of the others', async () => {
    const [a, b] = [await start(), await start()]
    expect(b.keyId).toBe(a.keyId)
    const made = await Promise.all([a.createKey(), b.createKey(), a.createKey(), b.createKey()])
    for (const [i, { keyId }] of made.entries()) {
      const [maker, other] = i % 2 === 0 ? [a, b] : [b, a]
      expect(await open(other, await seal(maker, keyId))).toBe('kept')
    }
    await a.rotateKey(a.keyId)
    const blob = await seal(a, a.keyId)
    expect(await open(b, blob)).toBe('kept')
    await b.disableKey(a.keyId)
    expect(await open(a, blob)).toBe('Rejected.Disabled')
    expect((await rpcCall(a, 'ListKeys')).fields['TotalCount']).toBe(5)
  })

  it('has one file for each key, which only its owner can read, without the material of deleted keys', async () => {
    const emulator = await start()
    const path = join(dataDirectory, 'keys', `${emulator.keyId}.json`)
    expect(readdirSync(join(dataDirectory, 'keys'))).toEqual([`${emulator.keyId}.json`])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(dataDirectory, 'keys')).mode & 0o777).toBe(0o700)
    expect(readFileSync(path, 'utf8')).toContain('"material"')
    await emulator.deleteKey(emulator.keyId, { immediately: true })
    expect(readFileSync(path, 'utf8')).not.toContain('"material"')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it.each(['', '{', '{}', '[]', 'KEEP'])(
    'with a broken file prevents the start, and the error reveals nothing of it: %s',
    async (text) => {
      const first = await start()
      await first.close()
      const path = join(dataDirectory, 'keys', `${first.keyId}.json`)
      const material = /"material": "(.*)"/.exec(readFileSync(path, 'utf8'))?.[1] ?? ''
      const broken = text === 'KEEP' ? readFileSync(path, 'utf8').replace('"Enabled"', '"Else"') : text
      writeFileSync(path, broken)
      const error: unknown = await startKmsEmulator({ dataDirectory }).catch((reason: unknown) => reason)
      expect(String(error)).toContain(path)
      expect(String(error)).not.toContain(material)
    },
  )

  it('ignores files that are not keys', async () => {
    const first = await start()
    writeFileSync(join(dataDirectory, 'keys', `${first.keyId}.json.1234`), 'left by a killed process')
    expect((await start()).keyId).toBe(first.keyId)
  })
})
