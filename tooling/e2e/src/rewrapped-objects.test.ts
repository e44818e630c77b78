import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CryptoBucket } from '@oss-cse/bucket'
import { decodeEnvelope, encodeEnvelope, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { isEnvelopeHeader } from '@oss-cse/crypto-core/internal'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { type KmsEmulator, startKmsEmulator } from '@oss-cse/kms-emulator'
import { generateLocalRsaKeyFiles, LocalRsaProvider, RsaProvider } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyPair, random } from './emulated-bucket.ts'
import { kmsProviderOf, kmsV1ProviderOf } from './emulated-kms.ts'

const PART = 128 * 1024
const content = random(2 * PART + 77)
const context = 'the name of the object'

let kms: KmsEmulator
let directory: string
beforeAll(async () => {
  kms = await startKmsEmulator()
  directory = mkdtempSync(join(tmpdir(), 'oss-cse-rewrapped-'))
  await generateLocalRsaKeyFiles({ directory, bits: 2048 })
})
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await kms.close()
})

/** The targets of a re-wrap. */
const V2: Readonly<Record<string, () => MasterKeyProvider>> = {
  RSA: () =>
    new RsaProvider({ privateKey: keyPair.privateKey, materialDescription: { key: 'rsa', of: 'ü' } }),
  'RSA key files': () => new LocalRsaProvider({ directory }),
  KMS: () => kmsProviderOf(kms, { encryptionContext: { app: 'x' } }),
  'KMS as in oss2': () =>
    kmsProviderOf(kms, { encoding: 'oss2', passphrase: 'secret', materialDescription: { key: 'oss2' } }),
  'a custom key': () => createTestProvider({ materialDescription: { key: 'custom' } }),
}
const V1: Readonly<Record<string, () => MasterKeyProvider>> = {
  'RSA key files, V1': () => new LocalRsaProvider({ directory, format: 'v1' }),
  'KMS, V1': () => kmsV1ProviderOf(kms),
}

const cases = Object.entries({ ...V2, ...V1 }).flatMap(([from, source]) =>
  Object.entries(V2)
    .filter(([to]) => to !== from)
    .map(([to, target]) => [from, to, source, target] as const),
)

/** Gives each object the envelope of a re-wrap, and leaves its bytes as they are. */
async function rewrapAll(transport: MemoryTransport, keyring: Keyring): Promise<void> {
  for (const [key, { bytes, headers }] of transport.objects) {
    const envelope = decodeEnvelope(headers)
    if (envelope === undefined) throw new Error(`${key} is not encrypted`)
    const others = Object.entries(headers).filter(([name]) => !isEnvelopeHeader(name))
    const rewrapped = encodeEnvelope(await keyring.rewrap(envelope))
    await transport.plant(key, bytes, { ...Object.fromEntries(others), ...rewrapped })
  }
}

test.each(cases)(
  'objects of %s, re-wrapped under %s, are read by that key alone: whole, in parts and sealed',
  async (_from, _to, createSource, createTarget) => {
    const [source, target] = [createSource(), createTarget()]
    const transport = new MemoryTransport()
    const writer = new CryptoBucket({ transport, provider: source })
    await writer.put('whole', content)
    let commitment: string | undefined
    if (source.envelopeVersion !== 1) {
      await writer.upload('parts', content, { multipartThresholdBytes: 1, partSizeBytes: PART })
      const sealing = new CryptoBucket({ transport, provider: source, format: 'sealed' })
      commitment = (await sealing.put('sealed', content, { context })).commitment
    }
    await rewrapAll(transport, new Keyring({ encrypting: target, undescribed: [source] }))
    const reader = new CryptoBucket({ transport, provider: createTarget() })
    const range = { start: PART - 5, end: PART + 99 }
    for (const key of transport.objects.keys()) {
      const options = key === 'sealed' ? { context, expectCommitment: commitment } : {}
      expect(await reader.getBytes(key, options)).toEqual(content)
      expect(await reader.getBytes(key, { ...options, range })).toEqual(
        content.subarray(PART - 5, PART + 100),
      )
      expect((await reader.head(key)).envelope).toMatchObject({
        version: 2,
        wrapAlgorithm: target.wrapAlgorithm,
        materialDescription: target.materialDescription,
      })
    }
  },
)
