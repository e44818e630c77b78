import { createDecipheriv, createHash } from 'node:crypto'
import { decodeEnvelope, type Envelope, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { type SdkVector, sdkVectorsUnder, vectorKeys } from '@oss-cse/sdk-vectors'
import { describe, expect, test } from 'vitest'
import { keyDirectory } from '../test/support/key-directory.ts'
import { LocalRsaProvider } from './local-rsa-provider.ts'
import { RsaProvider } from './rsa-provider.ts'

type Vector = ReturnType<typeof sdkVectorsUnder<'rsa' | 'local-rsa'>>[number]

const PASSPHRASES = { open: undefined, locked: 'correct horse' }

function rsaProvider(name: string, description: SdkVector['description'] = []): RsaProvider {
  const key = vectorKeys.rsa[name]
  if (key === undefined) throw new Error(`There is no key ${name}.`)
  const materialDescription = Object.fromEntries(description)
  return new RsaProvider({ privateKey: key.privateKeyPem, materialDescription })
}

function localProvider(name: string, passphrase?: string, format?: 'v1' | 'v2'): LocalRsaProvider {
  const directory = keyDirectory(vectorKeys['local-rsa'][name] ?? {})
  return new LocalRsaProvider({ directory, passphrase, format })
}

/** All providers with the vector's key. */
function owners({ masterKey, description }: Vector): readonly MasterKeyProvider[] {
  if (masterKey.kind === 'rsa') return [rsaProvider(masterKey.name, description)]
  const { name, passphrase } = masterKey
  return [localProvider(name, passphrase, 'v1'), localProvider(name, passphrase, 'v2')]
}

/** A provider of the same kind, with the same description and another key. */
function stranger({ masterKey, description }: Vector): MasterKeyProvider {
  if (masterKey.kind === 'rsa') return rsaProvider('b', description)
  const other = masterKey.name === 'open' ? 'locked' : 'open'
  return localProvider(other, PASSPHRASES[other])
}

function envelopeOf({ headers }: Vector): Envelope {
  const envelope = decodeEnvelope(headers)
  if (envelope === undefined) throw new Error('The vector has no envelope.')
  return envelope
}

function withByteAltered(base64: string, index: number): string {
  const bytes = Buffer.from(base64, 'base64')
  bytes[index] = (bytes[index] ?? 0) ^ 1
  return bytes.toString('base64')
}

const FAILED = expect.objectContaining({ code: 'ERR_CSE_UNWRAP_FAILED' })

describe.each(sdkVectorsUnder('rsa', 'local-rsa'))('what $sdk wrote ($kind)', (vector) => {
  test('is unwrapped and decrypted with its key, which its description selects', async () => {
    for (const owner of owners(vector)) {
      const keyring = new Keyring({ encrypting: owner })
      const { cek, iv } = await keyring.unwrap(envelopeOf(vector))
      expect([cek, iv].map((bytes) => Buffer.from(bytes).toString('base64'))).toEqual([vector.cek, vector.iv])
      const decipher = createDecipheriv('aes-256-ctr', cek, iv)
      const plaintext = Buffer.concat([decipher.update(vector.ciphertext, 'base64'), decipher.final()])
      expect(plaintext).toHaveLength(vector.sizeBytes)
      expect(createHash('sha256').update(plaintext).digest('hex')).toBe(vector.plaintextSha256)
    }
  })

  test('is refused with another key', async () => {
    await expect(stranger(vector).unwrap(envelopeOf(vector))).rejects.toEqual(FAILED)
  })

  test('is refused if the wrapped key or the wrapped IV is altered at either end', async () => {
    const envelope = envelopeOf(vector)
    const ivField = envelope.version === 1 ? 'wrappedStart' : 'wrappedIv'
    const wrappedIv = envelope.version === 1 ? envelope.wrappedStart : envelope.wrappedIv
    for (const owner of owners(vector)) {
      for (const index of [1, 200, Buffer.from(wrappedIv, 'base64').length - 1]) {
        const wrappedCek = withByteAltered(envelope.wrappedCek, index)
        await expect(owner.unwrap({ ...envelope, wrappedCek })).rejects.toEqual(FAILED)
        const altered = { ...envelope, [ivField]: withByteAltered(wrappedIv, index) }
        await expect(owner.unwrap(altered)).rejects.toEqual(FAILED)
      }
    }
  })

  test('is not read by a keyring whose keys have other descriptions, unless it has no description', async () => {
    if (vector.masterKey.kind !== 'rsa') return
    const other = rsaProvider(vector.masterKey.name, [['of', 'another key']])
    const reading = new Keyring({ encrypting: other }).unwrap(envelopeOf(vector))
    if (vector.description.length === 0) expect(await reading).toMatchObject({ iv: expect.any(Uint8Array) })
    else await expect(reading).rejects.toMatchObject({ code: 'ERR_CSE_NO_MATCHING_KEY' })
  })
})
