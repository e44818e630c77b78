import type { HeaderMap } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { CryptoBucket, type CryptoBucketOptions } from '../src/crypto-bucket.ts'
import { broken, chunked, difference, pattern } from './bytes.ts'
import { lost } from './multipart.ts'

/** What a reader gets: an error code, the content that the writer wrote, other content, or that of another object. */
type Outcome = `ERR_CSE_${string}` | 'intact' | 'altered content' | 'another object'

/** An object as the service has it. */
interface Stored {
  readonly bytes: Uint8Array
  readonly headers: HeaderMap
}

/** One row of the table in docs/THREAT_MODEL.md, "Which changes are detected", whose first column it quotes. */
interface Row {
  readonly name: string
  /** Without sealing. */
  readonly official: Outcome
  /** With `accept: 'sealed'`, and the commitment and the name as context where the row says so. */
  readonly sealed: Outcome
  /** Whether a sealed object is read with the commitment that its put has returned. */
  readonly expectCommitment?: boolean
  readonly range?: string
  /** Whether the object was written as a stream of unknown length. */
  readonly unknownLength?: boolean
  attack(transport: MemoryTransport, stored: Stored, other: Stored): Promise<void> | void
}

const Z = 65_536
const KEY = 'contract'
const content = pattern(3 * Z)
const otherContent = pattern(3 * Z + 999).subarray(999)
const OTHER_GENERATION = {
  [V2_HEADERS.wrappedCek]: V2_HEADERS.wrappedIv,
  [V2_HEADERS.wrappedIv]: V2_HEADERS.wrappedCek,
}

const flipped = (bytes: Uint8Array, at = Z + 1) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
const without = (headers: HeaderMap, ...names: readonly string[]) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))
const picked = (headers: HeaderMap, ...names: readonly string[]) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => names.includes(name)))
const keysOf = (headers: HeaderMap) => picked(headers, V2_HEADERS.wrappedCek, V2_HEADERS.wrappedIv)
const alteredText = (text = '') => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`

const IN_TRANSIT: Pick<Row, 'attack'> = {
  attack: (transport) => {
    transport.alterGet = (response) => ({
      ...response,
      body: (async function* () {
        for await (const chunk of response.body) yield flipped(chunk, chunk.length - 1)
      })(),
    })
  },
}

const ROWS: readonly Row[] = [
  {
    name: 'a bit flips in transit or on a disk, and the checksum stays',
    official: 'ERR_CSE_INTEGRITY',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    ...IN_TRANSIT,
  },
  {
    name: 'the same, in a read of a range',
    official: 'altered content',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    range: '0-99',
    ...IN_TRANSIT,
  },
  {
    name: 'someone stores altered ciphertext of the same length, with the same envelope',
    official: 'altered content',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    attack: (transport, { bytes, headers }) => transport.plant(KEY, flipped(bytes), headers),
  },
  {
    name: 'someone stores ciphertext that is shorter or longer',
    official: 'ERR_CSE_INTEGRITY',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    attack: (transport, { bytes, headers }) => transport.plant(KEY, bytes.subarray(0, 2 * Z), headers),
  },
  {
    name: 'the same, and the recorded length is altered to match',
    official: 'altered content',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    attack: (transport, { bytes, headers }) => {
      const plaintext = 2 * Z - (bytes.length === content.length ? 0 : 40 + 2 * 16)
      return transport.plant(KEY, bytes.subarray(0, 2 * Z), {
        ...headers,
        [V2_HEADERS.unencryptedContentLength]: String(plaintext),
      })
    },
  },
  {
    name: 'an object whose length was unknown when it was written (a stream without `sizeBytes`) is cut',
    official: 'altered content',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    unknownLength: true,
    attack: (transport, { bytes, headers }) => transport.plant(KEY, bytes.subarray(0, 2 * Z), headers),
  },
  {
    name: 'the response is cut or extended in transit',
    official: 'ERR_CSE_INTEGRITY',
    sealed: 'ERR_CSE_INTEGRITY',
    attack: (transport) => {
      transport.alterGet = (response) => ({
        ...response,
        body: (async function* () {
          yield* response.body
          yield new Uint8Array(1)
        })(),
      })
    },
  },
  {
    name: 'envelope headers are dropped, duplicated, or mixed with V1 headers',
    official: 'ERR_CSE_ENVELOPE_DAMAGED',
    sealed: 'ERR_CSE_ENVELOPE_DAMAGED',
    attack: (transport, { bytes, headers }) =>
      transport.plant(KEY, bytes, without(headers, V2_HEADERS.wrappedIv)),
  },
  {
    name: 'values stand under the names of the other generation, or key and start are swapped',
    official: 'ERR_CSE_UNWRAP_FAILED',
    sealed: 'ERR_CSE_UNWRAP_FAILED',
    attack: (transport, { bytes, headers }) => {
      const swapped = Object.entries(keysOf(headers)).map(([name, value]) => [
        OTHER_GENERATION[name as keyof typeof OTHER_GENERATION],
        value,
      ])
      return transport.plant(KEY, bytes, { ...headers, ...Object.fromEntries(swapped) })
    },
  },
  {
    name: 'the whole envelope is stripped',
    official: 'ERR_CSE_NOT_ENCRYPTED',
    sealed: 'ERR_CSE_NOT_SEALED',
    attack: (transport, { bytes }) => transport.plant(KEY, bytes, {}),
  },
  {
    name: 'the object is replaced by a symbolic link to another encrypted object',
    official: 'another object',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    expectCommitment: true,
    attack: (transport) => {
      transport.objects.delete(KEY)
      transport.links.set(KEY, 'other')
    },
  },
  {
    name: 'the wrapped CEK or IV is altered at random',
    official: 'ERR_CSE_UNWRAP_FAILED',
    sealed: 'ERR_CSE_UNWRAP_FAILED',
    attack: (transport, { bytes, headers }) =>
      transport.plant(KEY, bytes, {
        ...headers,
        [V2_HEADERS.wrappedCek]: alteredText(headers[V2_HEADERS.wrappedCek]),
      }),
  },
  {
    name: 'an object is read with a wrong key of the same name',
    official: 'ERR_CSE_UNWRAP_FAILED',
    sealed: 'ERR_CSE_UNWRAP_FAILED',
    async attack(transport) {
      const stranger = new CryptoBucket({ transport, provider: createTestProvider({ seed: 9 }) })
      await stranger.put(KEY, content)
      const { headers } = transport.objects.get(KEY) as Stored
      const { bytes } = transport.objects.get('kept') as Stored
      const kept = transport.objects.get('kept') as Stored
      await transport.plant(KEY, bytes, { ...kept.headers, ...keysOf(headers) })
    },
  },
  {
    name: 'the wrapped CEK, the wrapped IV or both are replaced by those of another object, and the ciphertext stays',
    official: 'altered content',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    attack: (transport, { bytes, headers }, other) =>
      transport.plant(KEY, bytes, { ...headers, ...keysOf(other.headers) }),
  },
  {
    name: 'the object is exchanged for another encrypted object (swap)',
    official: 'another object',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    attack: (transport, _, other) => transport.plant(KEY, other.bytes, other.headers),
  },
  {
    name: 'an older version of the object is put back (rollback)',
    official: 'another object',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    expectCommitment: true,
    attack: (transport) => {
      const { bytes, headers } = transport.objects.get('older') as Stored
      return transport.plant(KEY, bytes, headers)
    },
  },
  {
    name: 'the object is replaced by one that was made with the public key',
    official: 'another object',
    sealed: 'ERR_CSE_AUTHENTICATION_FAILED',
    expectCommitment: true,
    async attack(transport, stored) {
      const provider = createTestProvider({ encryptOnly: true })
      const sealed = stored.bytes.length !== content.length
      const context = () => KEY
      const stranger = new CryptoBucket({ transport, provider, ...(sealed && { format: 'sealed', context }) })
      await stranger.put(KEY, otherContent)
    },
  },
  {
    name: 'the material description is altered or removed',
    official: 'ERR_CSE_NO_MATCHING_KEY',
    sealed: 'ERR_CSE_NO_MATCHING_KEY',
    attack: (transport, { bytes, headers }) =>
      transport.plant(KEY, bytes, { ...headers, [V2_HEADERS.materialDescription]: '{"key":"lost"}' }),
  },
  {
    name: 'user metadata or content type is altered',
    official: 'intact',
    sealed: 'intact',
    attack: (transport, { bytes, headers }) =>
      transport.plant(KEY, bytes, {
        ...headers,
        'content-type': 'text/html',
        'x-oss-meta-owner': 'somebody',
      }),
  },
  {
    name: 'the object is deleted',
    official: 'ERR_CSE_NOT_FOUND',
    sealed: 'ERR_CSE_NOT_FOUND',
    attack: (transport) => void transport.objects.delete(KEY),
  },
  {
    name: 'the object is replaced while it is read',
    official: 'ERR_CSE_PRECONDITION_FAILED',
    sealed: 'ERR_CSE_PRECONDITION_FAILED',
    attack: (transport, _, other) => {
      let responses = 0
      transport.alterGet = (response) => {
        responses += 1
        if (responses > 1) return response
        void transport.plant(KEY, other.bytes.slice(), other.headers)
        return { ...response, body: broken(response.body, 10, lost) }
      }
    },
  },
]

async function outcome(format: 'official' | 'sealed', row: Row): Promise<Outcome> {
  const transport = new MemoryTransport()
  const context = (key: string) => (key === 'older' ? KEY : key)
  const policies: Partial<CryptoBucketOptions> = format === 'sealed' ? { accept: 'sealed', context } : {}
  const bucket = new CryptoBucket({
    transport,
    provider: createTestProvider(),
    retry: { minDelayMs: 0, maxDelayMs: 0 },
    ...policies,
  })
  await bucket.put('other', otherContent)
  await bucket.put('older', otherContent)
  const written = row.unknownLength ? chunked(content, Z) : content
  const { commitment } = await bucket.put(KEY, written)
  const stored = transport.objects.get(KEY) as Stored
  await transport.plant('kept', stored.bytes, stored.headers)
  await row.attack(transport, stored, transport.objects.get('other') as Stored)
  const options = {
    range: row.range,
    ...(row.expectCommitment && commitment !== undefined && { expectCommitment: commitment }),
  }
  try {
    const read = await bucket.getBytes(KEY, options)
    if (difference(read, content.subarray(0, read.length)) === undefined && read.length === content.length) {
      return 'intact'
    }
    return difference(read, otherContent) === undefined ? 'another object' : 'altered content'
  } catch (error) {
    return (error as { code: Outcome }).code
  }
}

describe.each(ROWS)('$name', (row) => {
  test('in the official format', async () => {
    expect(await outcome('official', row)).toBe(row.official)
  })

  test('sealed', async () => {
    expect(await outcome('sealed', row)).toBe(row.sealed)
  })
})
