import { type SdkVector, sdkVectors } from '@oss-cse/sdk-vectors'
import { describe, expect, test } from 'vitest'
import { concatBytes } from './bytes.ts'
import { CtrCipher } from './ctr-cipher.ts'
import { decodeEnvelope } from './envelope-codec.ts'
import { userMetadata } from './header-map.ts'
import { V1_HEADERS, V2_HEADERS } from './headers.ts'

const IN_PARTS = /multipart/
const PART_BYTES = 102_400

/** Tells whether a vector has a V1 envelope. oss2 wrote V1 up to 2.10, and oss-cse writes it on request. */
function isV1({ kind, versions }: SdkVector): boolean {
  return kind.includes('format: v1') || versions['oss2']?.startsWith('2.10.') === true
}

const WRAP_ALGORITHMS = {
  rsa: { v1: undefined, v2: 'RSA/NONE/PKCS1Padding' },
  'local-rsa': { v1: 'rsa', v2: 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding' },
  kms: { v1: 'kms', v2: 'KMS/ALICLOUD' },
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function* chunked(data: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let offset = 0, i = 0; offset < data.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    yield data.subarray(offset, offset + size)
    offset += size
  }
}

/** Ranges from each offset near the start, the end, the second part, and the eleventh block, where counters carry. */
function rangesOf(sizeBytes: number): readonly (readonly [start: number, end: number])[] {
  const starts = [0, 160, PART_BYTES, sizeBytes].flatMap((near) =>
    Array.from({ length: 35 }, (_, index) => near - 17 + index),
  )
  return starts
    .filter((start) => start >= 0 && start < sizeBytes)
    .flatMap((start) => [sizeBytes, Math.min(start + 17, sizeBytes)].map((end) => [start, end] as const))
}

test('at least 12 SDKs have vectors, and each vector has its own name', () => {
  const names = sdkVectors.map(({ sdk, kind }) => `${sdk}: ${kind}`)
  expect(new Set(names).size).toBe(names.length)
  expect(new Set(sdkVectors.map(({ sdk }) => sdk)).size).toBeGreaterThanOrEqual(12)
})

describe.each(sdkVectors)('an object of $sdk ($kind)', (vector) => {
  const { headers, sizeBytes } = vector
  const contentKey = { cek: bytesOf(vector.cek), iv: bytesOf(vector.iv) }
  const ciphertext = bytesOf(vector.ciphertext)
  const decrypted = async (start: number, end: number) =>
    new CtrCipher(contentKey, { offsetBytes: start }).bytes(ciphertext.subarray(start, end))

  test('has the envelope of its version, with its algorithms, description and lengths', () => {
    const v1 = isV1(vector)
    const description = headers[V2_HEADERS.materialDescription]
    const lengthHeader = (v1 ? V1_HEADERS : V2_HEADERS).unencryptedContentLength
    const inParts = IN_PARTS.test(vector.kind)
    expect(decodeEnvelope(headers)).toEqual({
      version: v1 ? 1 : 2,
      wrappedCek: headers[v1 ? V1_HEADERS.wrappedCek : V2_HEADERS.wrappedCek],
      [v1 ? 'wrappedStart' : 'wrappedIv']: headers[v1 ? V1_HEADERS.wrappedStart : V2_HEADERS.wrappedIv],
      cekAlgorithm: v1 ? 'AES/GCM/NoPadding' : 'AES/CTR/NoPadding',
      wrapAlgorithm: WRAP_ALGORITHMS[vector.masterKey.kind][v1 ? 'v1' : 'v2'],
      materialDescription: Object.fromEntries(vector.description),
      unencryptedContentLength: lengthHeader in headers ? sizeBytes : undefined,
      dataSizeBytes: inParts ? sizeBytes : undefined,
      partSizeBytes: inParts ? PART_BYTES : undefined,
    })
    if (vector.description.length === 0) expect([undefined, '[]']).toContain(description)
  })

  test('has the same envelope when an HTTP client returns its bytes as Latin-1', () => {
    const latin1 = (text: string) => String.fromCharCode(...new TextEncoder().encode(text))
    const received = Object.entries(headers).map(([name, value]) => [name, latin1(value)])
    expect(decodeEnvelope(Object.fromEntries(received))).toEqual(decodeEnvelope(headers))
  })

  test('has its user metadata without the envelope', () => {
    expect(userMetadata(headers)).toEqual({ owner: 'lab', 'content-note': 'kept as it is' })
  })

  test('decrypts to its plaintext, whole and in chunks of any size', async () => {
    const splits = sizeBytes > 1000 ? [[sizeBytes], [4099, 1, 16]] : [[1000], [1], [16], [3, 16, 1]]
    for (const sizes of splits) {
      const chunks: Uint8Array[] = []
      const cipher = new CtrCipher(contentKey)
      for await (const chunk of cipher.transform(chunked(ciphertext, sizes))) chunks.push(chunk)
      const plaintext = Uint8Array.from(concatBytes(chunks))
      expect([plaintext.length, await sha256(plaintext)]).toEqual([sizeBytes, vector.plaintextSha256])
    }
  })

  test('decrypts each range to the same bytes as the whole', async () => {
    const whole = await decrypted(0, sizeBytes)
    for (const [start, end] of rangesOf(sizeBytes)) {
      const range = await decrypted(start, end)
      expect(range).toHaveLength(end - start)
      // Not compared as arrays: the difference of a hundred thousand bytes cannot be printed.
      expect(range.findIndex((byte, index) => byte !== whole[start + index])).toBe(-1)
    }
  })
})
