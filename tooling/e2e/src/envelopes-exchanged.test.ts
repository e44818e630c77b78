import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CryptoBucket } from '@oss-cse/bucket'
import { encodeBase64, type HeaderMap, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { isEnvelopeHeader, V1_HEADERS, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { type KmsEmulator, startKmsEmulator } from '@oss-cse/kms-emulator'
import { generateLocalRsaKeyFiles, LocalRsaProvider } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { random } from './emulated-bucket.ts'
import { kmsProviderOf, kmsV1ProviderOf } from './emulated-kms.ts'

const SIZE = 1000
const V1_MARKS = [
  V1_HEADERS.wrappedCek,
  V1_HEADERS.wrappedStart,
  V1_HEADERS.cekAlgorithm,
  V1_HEADERS.wrapAlgorithm,
]
const V2_MARKS = [
  V2_HEADERS.wrappedCek,
  V2_HEADERS.wrappedIv,
  V2_HEADERS.cekAlgorithm,
  V2_HEADERS.wrapAlgorithm,
]

const REFUSALS = [
  'ERR_CSE_ENVELOPE_DAMAGED',
  'ERR_CSE_UNSUPPORTED_ALGORITHM',
  'ERR_CSE_UNWRAP_FAILED',
  'ERR_CSE_NO_MATCHING_KEY',
]

/** One master key that reads both generations, and another one of its kind. */
interface Keys {
  readonly reader: MasterKeyProvider
  readonly v1: MasterKeyProvider
  readonly v2: MasterKeyProvider
  readonly otherV1: MasterKeyProvider
  readonly otherV2: MasterKeyProvider
}

/** An object as it is stored. */
interface Stored {
  readonly ciphertext: Uint8Array
  readonly plaintext: Uint8Array
  readonly headers: HeaderMap
}

let kms: KmsEmulator
let directory: string
const keys: Partial<Record<'kms' | 'local-rsa', Keys>> = {}
beforeAll(async () => {
  kms = await startKmsEmulator()
  directory = mkdtempSync(join(tmpdir(), 'oss-cse-exchanged-'))
  const { keyId: otherKeyId } = await kms.createKey()
  keys.kms = {
    reader: kmsProviderOf(kms),
    v1: kmsV1ProviderOf(kms),
    v2: kmsProviderOf(kms),
    otherV1: kmsV1ProviderOf(kms, otherKeyId),
    otherV2: kmsProviderOf(kms, { keyId: otherKeyId }),
  }
  for (const prefix of ['ours', 'other']) await generateLocalRsaKeyFiles({ directory, prefix, bits: 2048 })
  const local = (prefix: string, format: 'v1' | 'v2') => new LocalRsaProvider({ directory, prefix, format })
  keys['local-rsa'] = {
    reader: local('ours', 'v2'),
    v1: local('ours', 'v1'),
    v2: local('ours', 'v2'),
    otherV1: local('other', 'v1'),
    otherV2: local('other', 'v2'),
  }
})
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await kms.close()
})

async function store(provider: MasterKeyProvider, sizeBytes = SIZE): Promise<Stored> {
  const transport = new MemoryTransport()
  const plaintext = random(sizeBytes)
  await new CryptoBucket({ transport, provider }).put('a', plaintext)
  const { bytes, headers } = transport.objects.get('a') as unknown as {
    bytes: Uint8Array
    headers: HeaderMap
  }
  return {
    ciphertext: bytes,
    plaintext,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => isEnvelopeHeader(name))),
  }
}

/** Reads ciphertext under these headers: the code of the error, or what the bytes are. */
async function outcome(
  reader: MasterKeyProvider,
  { ciphertext, plaintext }: Stored,
  headers: HeaderMap,
): Promise<string> {
  const transport = new MemoryTransport()
  await transport.plant('a', ciphertext, headers)
  const bucket = new CryptoBucket({ transport, keyring: new Keyring({ encrypting: reader }) })
  try {
    const bytes = await bucket.getBytes('a')
    return Buffer.compare(bytes, plaintext) === 0 ? 'the plaintext' : 'other bytes'
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** The values of one generation under the names of the other; with `algorithms` as that one names them, too. */
function renamed(headers: HeaderMap, algorithms: Readonly<Record<string, string>> = {}): HeaderMap {
  const [from, to] = V1_HEADERS.wrappedCek in headers ? [V1_HEADERS, V2_HEADERS] : [V2_HEADERS, V1_HEADERS]
  const names = new Map<string, string>([
    [values(from)[0], values(to)[0]],
    [values(from)[1], values(to)[1]],
    [from.cekAlgorithm, to.cekAlgorithm],
    [from.wrapAlgorithm, to.wrapAlgorithm],
    [from.unencryptedContentLength, to.unencryptedContentLength],
    [from.unencryptedContentMd5, to.unencryptedContentMd5],
  ] as const)
  const moved = Object.entries(headers).map(([name, value]) => [names.get(name) ?? name, value])
  return { ...Object.fromEntries(moved), ...algorithms }
}

/** The two wrapped values' names. */
function values(names: typeof V1_HEADERS | typeof V2_HEADERS): readonly [string, string] {
  return [names.wrappedCek, 'wrappedIv' in names ? names.wrappedIv : names.wrappedStart]
}

function swapped(headers: HeaderMap): HeaderMap {
  const [cek, iv] = values(V1_HEADERS.wrappedCek in headers ? V1_HEADERS : V2_HEADERS)
  return { ...headers, [cek]: headers[iv] as string, [iv]: headers[cek] as string }
}

/** One of the two wrapped values of another object. */
function withOne(headers: HeaderMap, other: HeaderMap, which: 0 | 1): HeaderMap {
  const name = values(V1_HEADERS.wrappedCek in headers ? V1_HEADERS : V2_HEADERS)[which]
  return { ...headers, [name]: other[name] as string }
}

describe.each(['kms', 'local-rsa'] as const)('envelopes of both generations under one %s key', (kind) => {
  let all: Keys
  let v1: Stored
  let v2: Stored
  beforeAll(async () => {
    all = keys[kind] as Keys
    v1 = await store(all.v1)
    v2 = await store(all.v2)
  })
  const read = (stored: Stored, headers: HeaderMap) => outcome(all.reader, stored, headers)
  /** What the reader calls the algorithms of a generation. */
  const algorithmsOf = (stored: Stored): Record<string, string> => {
    const names = stored === v1 ? V1_HEADERS : V2_HEADERS
    return {
      [names.cekAlgorithm]: stored.headers[names.cekAlgorithm] as string,
      [names.wrapAlgorithm]: stored.headers[names.wrapAlgorithm] as string,
    }
  }

  test('are read, each by its own headers', async () => {
    expect(await read(v1, v1.headers)).toBe('the plaintext')
    expect(await read(v2, v2.headers)).toBe('the plaintext')
  })

  test('the values of one under the names of the other are refused, with either’s algorithms', async () => {
    for (const [own, other] of [
      [v1, v2],
      [v2, v1],
    ] as const) {
      expect(await read(own, renamed(own.headers))).toBe('ERR_CSE_UNSUPPORTED_ALGORITHM')
      expect(await read(own, renamed(own.headers, algorithmsOf(other)))).toBe('ERR_CSE_UNWRAP_FAILED')
      const names = own === v1 ? V2_HEADERS : V1_HEADERS
      const cekAlgorithm = { [names.cekAlgorithm]: algorithmsOf(other)[names.cekAlgorithm] as string }
      // The wrap algorithm stays that of the generation which the values are of.
      expect(await read(own, renamed(own.headers, cekAlgorithm))).toBe('ERR_CSE_UNWRAP_FAILED')
    }
  })

  test('both sets of headers, or any header of the one beside the other’s, are a damaged envelope', async () => {
    for (const stored of [v1, v2]) {
      expect(await read(stored, { ...v1.headers, ...v2.headers })).toBe('ERR_CSE_ENVELOPE_DAMAGED')
    }
    for (const name of V2_MARKS) {
      expect(await read(v1, { ...v1.headers, [name]: v2.headers[name] as string })).toBe(
        'ERR_CSE_ENVELOPE_DAMAGED',
      )
    }
    for (const name of V1_MARKS) {
      expect(await read(v2, { ...v2.headers, [name]: v1.headers[name] as string })).toBe(
        'ERR_CSE_ENVELOPE_DAMAGED',
      )
    }
  })

  test('a header that moved to its name in the other generation is a damaged envelope', async () => {
    for (const [stored, from, to] of [
      [v1, V1_MARKS, V2_MARKS],
      [v2, V2_MARKS, V1_MARKS],
    ] as const) {
      for (const [index, name] of from.entries()) {
        const { [name]: value = '', ...rest } = stored.headers
        expect(await read(stored, { ...rest, [to[index] as string]: value })).toBe('ERR_CSE_ENVELOPE_DAMAGED')
      }
    }
  })

  test('of every mixture of both sets only the own one is read', async () => {
    // The headers of one generation: each absent, its own, or the value of its counterpart.
    for (const [stored, other, names, counterparts] of [
      [v1, v2, V1_MARKS, V2_MARKS],
      [v2, v1, V2_MARKS, V1_MARKS],
    ] as const) {
      for (let choice = 1; choice < 3 ** names.length; choice++) {
        const headers = Object.fromEntries(
          names.flatMap((name, index) => {
            const source = Math.floor(choice / 3 ** index) % 3
            if (source === 2) return []
            return [
              [
                name,
                (source === 0
                  ? stored.headers[name]
                  : other.headers[counterparts[index] as string]) as string,
              ],
            ]
          }),
        )
        const found = await read(stored, headers)
        // A CEK is wrapped alike in both: that of the other object passes, as one of its own generation would.
        if (choice === 1) expect(found).toBe('other bytes')
        else if (Object.keys(headers).length === 0) expect(found).toBe('ERR_CSE_NOT_ENCRYPTED')
        else expect(REFUSALS).toContain(found)
      }
    }
  })

  test('key and start in each other’s place are a failed unwrap', async () => {
    for (const stored of [v1, v2])
      expect(await read(stored, swapped(stored.headers))).toBe('ERR_CSE_UNWRAP_FAILED')
  })

  test('what another key wrapped is a failed unwrap: the envelope, or one of its two values', async () => {
    for (const [stored, provider] of [
      [v1, all.otherV1],
      [v2, all.otherV2],
    ] as const) {
      const { headers } = await store(provider)
      for (const changed of [
        headers,
        withOne(stored.headers, headers, 0),
        withOne(stored.headers, headers, 1),
      ]) {
        expect(await read(stored, changed)).toBe('ERR_CSE_UNWRAP_FAILED')
      }
    }
  })

  test('the envelope of another object under the same key is noticed by its length alone', async () => {
    for (const [stored, provider] of [
      [v1, all.v1],
      [v2, all.v2],
    ] as const) {
      const same = await store(provider)
      const longer = await store(provider, SIZE + 1)
      expect(await read(stored, longer.headers)).toBe('ERR_CSE_INTEGRITY')
      // As the threat model says: nothing binds an envelope to its object.
      expect(await read(stored, same.headers)).toBe('other bytes')
      expect(await read(stored, withOne(stored.headers, same.headers, 0))).toBe('other bytes')
    }
  })
})

test('a KMS that opens a blob of another key of the account is not believed, unless the key is an alias', async () => {
  const { otherV2, v2 } = keys.kms as Keys
  const foreign = await store(otherV2)
  expect(await outcome(v2, foreign, foreign.headers)).toBe('ERR_CSE_UNWRAP_FAILED')
  const byAlias = kmsProviderOf(kms, { keyId: 'alias/any' })
  expect(await outcome(byAlias, foreign, foreign.headers)).toBe('the plaintext')
})

test('an IV that KMS wrapped as text is none of the other encoding, whatever stands around it', async () => {
  const { v2 } = keys.kms as Keys
  const stored = await store(v2)
  const header = stored.headers[V2_HEADERS.wrappedIv] as string
  const again = encodeBase64(new TextEncoder().encode(header))
  // Both encodings of a blob are read, as documented; a third layer is none.
  expect(await outcome(v2, stored, { ...stored.headers, [V2_HEADERS.wrappedIv]: again })).toBe(
    'the plaintext',
  )
  const thrice = encodeBase64(new TextEncoder().encode(again))
  expect(await outcome(v2, stored, { ...stored.headers, [V2_HEADERS.wrappedIv]: thrice })).toBe(
    'ERR_CSE_UNWRAP_FAILED',
  )
})
