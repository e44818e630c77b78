import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { aesCtr as portableCtr } from './aes-ctr.noble.ts'
import { aesCtr } from './aes-ctr.web.ts'
import { digestEngine as portableDigests } from './digest-engine.noble.ts'
import { digestEngine } from './digest-engine.web.ts'
import { sealEngine as portableSeals } from './seal-engine.noble.ts'
import { sealEngine } from './seal-engine.web.ts'

const bytes = (sizeBytes: number, seed: number) =>
  Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 31 + seed) & 0xff)
const contentKey = () => ({ cek: bytes(32, 1), iv: bytes(16, 2) })
const CONTEXT = bytes(20, 3)
const DATA = bytes(100, 4)

// As on a page from http://.
beforeEach(() => void vi.stubGlobal('crypto', {}))
afterEach(() => void vi.unstubAllGlobals())

test('without WebCrypto, a keystream is that of the portable engine, even if the caller wipes its key at once', async () => {
  const { cek, iv } = contentKey()
  const expected = await portableCtr.start(cek, iv).update(DATA)
  const keystream = aesCtr.start(cek, iv)
  cek.fill(0)
  const parts = [keystream.update(DATA.slice(0, 7)), keystream.update(DATA.slice(7))]
  keystream.dispose()
  const [head, tail] = await Promise.all(parts)
  expect([...(head ?? []), ...(tail ?? [])]).toEqual([...expected])
})

test('without WebCrypto, segments are those of the portable engine, even if the caller wipes its key at once', async () => {
  const expected = await portableSeals.start(contentKey(), CONTEXT)
  const key = contentKey()
  const context = Uint8Array.from(CONTEXT)
  const starting = sealEngine.start(key, context)
  for (const wiped of [key.cek, key.iv, context]) wiped.fill(0)
  const cipher = await starting
  expect(cipher.header).toEqual(expected.header)
  const sealed = await cipher.seal(DATA, 0, true)
  expect(sealed).toEqual(await expected.seal(DATA, 0, true))
  expect(await cipher.open(sealed, 0, true)).toEqual(DATA)
  expect(await cipher.open(sealed, 1, true)).toBeUndefined()
})

test('without WebCrypto, digests are those of the portable engine, even if the caller wipes its key at once', async () => {
  const expected = portableDigests.start(contentKey()).piece(32)
  expected.update(DATA)
  const key = contentKey()
  const hasher = digestEngine.start(key)
  key.cek.fill(0)
  key.iv.fill(0)
  const hash = hasher.piece(32)
  hash.update(DATA.slice(0, 9))
  hash.update(DATA.slice(9))
  const digest = hash.digest()
  hasher.dispose()
  expect(await digest).toEqual(await expected.digest())
  expect(digestEngine.sha256(DATA)).toEqual(portableDigests.sha256(DATA))
})
