import { createDecipheriv, createHash } from 'node:crypto'
import { decodeEnvelope, type Envelope, Keyring } from '@oss-cse/crypto-core'
import { type KmsMasterKey, type SdkVector, sdkVectorsUnder } from '@oss-cse/sdk-vectors'
import { describe, expect, test } from 'vitest'
import { ReplayedKms } from '../test/replayed-kms.ts'
import { KmsProvider, type KmsProviderOptions } from './kms-provider.ts'

type Vector = SdkVector<KmsMasterKey>

const OTHER_KEY = '99999999-2222-3333-4444-555555555555'
const FAILED = expect.objectContaining({ code: 'ERR_CSE_UNWRAP_FAILED' })

function setUp({ masterKey, description }: Vector, options: Partial<KmsProviderOptions> = {}) {
  const { keyId, passphrase, answers } = masterKey
  const kms = new ReplayedKms(answers)
  const materialDescription = Object.fromEntries(description)
  const provider = new KmsProvider({ client: kms, keyId, passphrase, materialDescription, ...options })
  return { kms, provider, keyring: new Keyring({ encrypting: provider }) }
}

/** The envelope, and the two headers whose content KMS decrypts. */
function read({ headers }: Vector): { envelope: Envelope; wrapped: readonly [cek: string, iv: string] } {
  const envelope = decodeEnvelope(headers)
  if (envelope === undefined) throw new Error('The vector has no envelope.')
  const wrappedIv = envelope.version === 1 ? envelope.wrappedStart : envelope.wrappedIv
  return { envelope, wrapped: [envelope.wrappedCek, wrappedIv] }
}

/** In V2, only oss2 writes this encoding, and oss-cse if you ask for it. */
function isEncodedTwice({ sdk, kind, versions }: Vector): boolean {
  if (sdk === 'oss-cse') return kind === 'KMS, encoding: oss2' || kind === 'KMS, a passphrase'
  return versions['oss2'] !== undefined && !versions['oss2'].startsWith('2.10.')
}

describe.each(sdkVectorsUnder('kms'))('what $sdk wrote ($kind)', (vector) => {
  const { envelope, wrapped } = read(vector)

  test('is unwrapped with the recorded responses of KMS, and decrypted', async () => {
    const { keyring } = setUp(vector)
    const { cek, iv } = await keyring.unwrap(envelope)
    expect([cek, iv].map((bytes) => Buffer.from(bytes).toString('base64'))).toEqual([vector.cek, vector.iv])
    const decipher = createDecipheriv('aes-256-ctr', cek, iv)
    const plaintext = Buffer.concat([decipher.update(vector.ciphertext, 'base64'), decipher.final()])
    expect(plaintext).toHaveLength(vector.sizeBytes)
    expect(createHash('sha256').update(plaintext).digest('hex')).toBe(vector.plaintextSha256)
  })

  test('has its blobs in the encoding of its SDK, and only these two are sent to KMS', async () => {
    const { kms, provider } = setUp(vector)
    await provider.unwrap(envelope)
    const inHeaders = kms.decrypted.map((blob) =>
      isEncodedTwice(vector) ? Buffer.from(blob, 'latin1').toString('base64') : blob,
    )
    expect(inHeaders.sort()).toEqual([...wrapped].sort())
  })

  test('is refused with another context: without its passphrase, or with another one', async () => {
    const others = vector.masterKey.passphrase === undefined ? ['x'] : [undefined, 'x']
    for (const passphrase of others) {
      await expect(setUp(vector, { passphrase }).provider.unwrap(envelope)).rejects.toEqual(FAILED)
    }
    const { provider } = setUp(vector, { encryptionContext: { of: 'another' } })
    await expect(provider.unwrap(envelope)).rejects.toEqual(FAILED)
  })

  test('is refused with another key of the account', async () => {
    await expect(setUp(vector, { keyId: OTHER_KEY }).provider.unwrap(envelope)).rejects.toEqual(FAILED)
  })

  test('is refused if the wrapped key or the wrapped IV is altered, or if they are swapped', async () => {
    const ivField = envelope.version === 1 ? 'wrappedStart' : 'wrappedIv'
    const altered = (text: string) => `${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`
    const [wrappedCek, wrappedIv] = wrapped
    for (const change of [
      { wrappedCek: altered(wrappedCek) },
      { [ivField]: altered(wrappedIv) },
      { wrappedCek: wrappedIv, [ivField]: wrappedCek },
    ]) {
      await expect(setUp(vector).provider.unwrap({ ...envelope, ...change })).rejects.toEqual(FAILED)
    }
  })
})
