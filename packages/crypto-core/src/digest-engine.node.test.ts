import { createCipheriv, hkdfSync } from 'node:crypto'
import { inspect } from 'node:util'
import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { afterEach, expect, test, vi } from 'vitest'
import { digestEngine as noble } from './digest-engine.noble.ts'
import { digestEngine as node } from './digest-engine.node.ts'
import { digestEngine as web } from './digest-engine.web.ts'
import { PartDigester } from './part-digester.ts'
import { showsSecret } from './testing/shown-secrets.ts'

const contentKey = {
  cek: Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 100),
  iv: Uint8Array.from({ length: 16 }, (_, i) => 9 * i + 50),
}

afterEach(() => {
  vi.unstubAllGlobals()
})

test('Node.js uses the engine of node:crypto, without promises', () => {
  expect(digestEngine.name).toBe('node')
  const digester = new PartDigester(contentKey, 0)
  expect(digester.update(new Uint8Array(3 * 1024 ** 2))).toBeUndefined()
  expect(digester.endPiece()).toBeInstanceOf(Uint8Array)
  expect(Object.getPrototypeOf(digester.digests())).toBe(Uint8Array.prototype)
  expect(Object.getPrototypeOf(digestEngine.sha256(new Uint8Array(1)))).toBe(Uint8Array.prototype)
})

test('the engine of WebCrypto works in an insecure context, where there is none', async () => {
  const data = new Uint8Array(100)
  const expected = new PartDigester(contentKey, 16, node)
  expect(expected.update(data)).toBeUndefined()
  vi.stubGlobal('crypto', { getRandomValues: () => {} })
  const digester = new PartDigester(contentKey, 16, web)
  await digester.update(data)
  expect(await digester.digests()).toEqual(expected.digests())
})

test.each([node, noble, web])(
  'the engine $name shows neither its keys nor the GMAC of a piece',
  async (engine) => {
    const salt = Buffer.concat([Buffer.from('oss-cse part digest v1\0'), contentKey.iv])
    const derived = new Uint8Array(hkdfSync('sha256', contentKey.cek, salt, '', 64))
    const keys = [contentKey.cek, derived.slice(0, 32), derived.slice(32)]
    const gmac = createCipheriv('aes-256-gcm', derived.slice(0, 32), new Uint8Array(12))
    gmac.setAAD(new Uint8Array(5)).final()
    const secrets = [...keys, Uint8Array.from(gmac.getAuthTag())]

    const hasher = engine.start(contentKey)
    const piece = hasher.piece(0)
    piece.update(new Uint8Array(5))
    const digester = new PartDigester(contentKey, 0, engine)
    await digester.update(new Uint8Array(5))
    for (const shown of [hasher, piece, await piece.digest(), digester, await digester.digests(), digester]) {
      expect(showsSecret(shown, secrets)).toBe(false)
      expect(showsSecret(inspect(shown, { depth: 10, showHidden: true }), secrets)).toBe(false)
    }
  },
)
