import { expect, test } from 'vitest'
import { createSha256 } from './sha256.web.ts'

/** FIPS 180-4, the published examples. */
const VECTORS: readonly (readonly [string, string])[] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
]

test.each(VECTORS)('SHA-256 of %j, whole and byte by byte', async (text, expected) => {
  const bytes = new TextEncoder().encode(text)
  for (const step of [bytes.length || 1, 1]) {
    const sha = await createSha256()
    for (let offset = 0; offset < bytes.length; offset += step)
      sha.update(bytes.subarray(offset, offset + step))
    expect(Array.from(sha.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(expected)
  }
})
