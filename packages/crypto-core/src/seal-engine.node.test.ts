import { createDecipheriv, createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { sealEngine as chosen } from '@oss-cse/crypto-core/seal-engine'
import { afterEach, describe, expect, test, vi } from 'vitest'
import vectors from '../test/vectors/sealed.json' with { type: 'json' }
import { concatBytes } from './bytes.ts'
import { startOpenRun } from './open-run.ts'
import { sealEngine as noble } from './seal-engine.noble.ts'
import { sealEngine as node } from './seal-engine.node.ts'
import type { SealEngine } from './seal-engine.ts'
import { sealEngine as web } from './seal-engine.web.ts'
import { startSealRun } from './seal-run.ts'
import { encodeContext } from './sealed-context.ts'
import { plaintextLength, SegmentPlan } from './segment-plan.ts'
import { showsSecret } from './testing/shown-secrets.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const hexOf = (data: Uint8Array) => Buffer.from(data).toString('hex')
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

/** The plaintext of a vector: stated, or made as its description says. */
function plaintextOf({ plaintext, plaintextLength: length }: (typeof vectors)[number]): Uint8Array {
  const label = /^SHA-256\("(\w+)"/.exec(plaintext)?.[1]
  if (label === undefined) return bytes(plaintext)
  const made = new Uint8Array(Math.ceil(length / 32) * 32)
  for (let i = 0; i * 32 < length; i++) made.set(createHash('sha256').update(`${label}${i}`).digest(), i * 32)
  return made.subarray(0, length)
}

const cases = vectors.map((vector) => ({
  ...vector,
  contentKey: { cek: bytes(vector.cek), iv: bytes(vector.iv) },
  contextBytes: encodeContext(vector.context),
  plaintextBytes: plaintextOf(vector),
  name: `${vector.plaintextLength} bytes, ${vector.context.length === 0 ? 'no' : vector.context.slice(0, 7)} context`,
}))

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk.slice())
  return concatBytes(all)
}

async function* inChunks(data: Uint8Array, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < data.length; offset += sizeBytes) yield data.slice(offset, offset + sizeBytes)
}

afterEach(() => {
  vi.unstubAllGlobals()
})

// The chosen one is that of the build.
const engines: readonly SealEngine[] = [chosen, node, web, noble]

describe.each(
  engines.map((engine, index) => ({ engine, label: index === 0 ? `chosen (${engine.name})` : engine.name })),
)('the engine $label', ({ engine }) => {
  test.each(cases)('derives the header and the key of the vector: $name', async (vector) => {
    const { contentKey, contextBytes, header } = vector
    const cipher = await engine.start(contentKey, contextBytes)
    expect(hexOf(cipher.header)).toBe(header)
    // The key does not leave the engine, so it is checked by what it sealed.
    const sealed = await cipher.seal(bytes('c0ffee'), 7, false)
    const nonce = bytes(`${header.slice(66)}0000000700`)
    const decipher = createDecipheriv('aes-256-gcm', bytes(vector.key), nonce).setAuthTag(sealed.slice(3))
    expect(hexOf(Buffer.concat([decipher.update(sealed.slice(0, 3)), decipher.final()]))).toBe('c0ffee')
  })

  test.each(cases)('seals and opens the vector: $name', async (vector) => {
    const { contentKey, contextBytes: context, plaintextBytes, storedLength } = vector
    expect(sha256(plaintextBytes)).toBe(vector.plaintextSha256)
    const sealing = startSealRun({ contentKey, context, engine })
    const stored = await collect(sealing.transform({ open: () => inChunks(plaintextBytes, 50_000) }))
    expect([stored.length, sha256(stored)]).toEqual([storedLength, vector.storedSha256])
    if (vector.stored !== undefined) expect(hexOf(stored)).toBe(vector.stored)
    expect(plaintextLength(storedLength)).toBe(vector.plaintextLength)

    const plan = SegmentPlan.ofStored(storedLength) as SegmentPlan
    const run = { plan, firstSegment: 0, lastSegment: plan.segmentCount - 1 }
    const opening = startOpenRun({ contentKey, context, ...run, engine })
    const opened = await collect(opening.transform({ open: () => inChunks(stored, 50_000) }))
    expect(sha256(opened)).toBe(vector.plaintextSha256)
  })

  test('opens a segment only unchanged and at its own place', async () => {
    const [{ contentKey, contextBytes }] = cases as [(typeof cases)[number]]
    const cipher = await engine.start(contentKey, contextBytes)
    const sealed = await cipher.seal(bytes('00112233'), 3, false)
    expect(await cipher.open(sealed, 3, false)).toEqual(bytes('00112233'))
    expect(await cipher.open(sealed, 3, true)).toBeUndefined()
    expect(await cipher.open(sealed, 2, false)).toBeUndefined()
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const altered = sealed.slice()
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await cipher.open(altered, 3, false)).toBeUndefined()
    }
    for (let length = 0; length < sealed.length; length++)
      expect(await cipher.open(sealed.slice(0, length), 3, false)).toBeUndefined()
    expect(await cipher.open(concatBytes([sealed, bytes('00')]), 3, false)).toBeUndefined()
    expect(await cipher.open(new Uint8Array(65_537), 3, false)).toBeUndefined()
  })

  test('leaves its input as it is, and does not need it afterwards', async () => {
    const [{ contentKey, contextBytes, header }] = cases as [(typeof cases)[number]]
    const copy = { cek: contentKey.cek.slice(), iv: contentKey.iv.slice() }
    const context = contextBytes.slice()
    const started = engine.start(copy, context)
    copy.cek.fill(0)
    copy.iv.fill(0)
    const cipher = await started
    expect(hexOf(cipher.header)).toBe(header)
    const plaintext = bytes('00112233')
    const sealed = await cipher.seal(plaintext, 0, true)
    const before = sealed.slice()
    await cipher.open(sealed, 0, true)
    expect([hexOf(plaintext), sealed]).toEqual(['00112233', before])
  })

  test('shows no key', async () => {
    const [{ contentKey, contextBytes, key }] = cases as [(typeof cases)[number]]
    const cipher = await engine.start(contentKey, contextBytes)
    const secrets = [contentKey.cek, contentKey.iv, bytes(key)]
    expect(showsSecret(cipher, secrets)).toBe(false)
    expect(showsSecret(inspect(cipher, { depth: 10, showHidden: true }), secrets)).toBe(false)
  })
})

test('on Node.js nothing is a promise', () => {
  const [{ contentKey, contextBytes }] = cases as [(typeof cases)[number]]
  expect(chosen.name).toBe('node')
  const cipher = node.start(contentKey, contextBytes)
  if (cipher instanceof Promise) throw new Error('a promise')
  const sealed = cipher.seal(new Uint8Array(5), 0, true)
  expect(Object.getPrototypeOf(sealed)).toBe(Uint8Array.prototype)
  expect(Object.getPrototypeOf(cipher.open(sealed as Uint8Array, 0, true))).toBe(Uint8Array.prototype)
})

test('the engine of WebCrypto works in an insecure context, where there is none', async () => {
  const [{ contentKey, contextBytes, header }] = cases as [(typeof cases)[number]]
  vi.stubGlobal('crypto', { getRandomValues: () => {} })
  expect(hexOf((await web.start(contentKey, contextBytes)).header)).toBe(header)
})

test('a fault of WebCrypto is not taken for an altered segment', async () => {
  const [{ contentKey, contextBytes }] = cases as [(typeof cases)[number]]
  const cipher = await web.start(contentKey, contextBytes)
  const fault = new Error('out of memory')
  vi.spyOn(crypto.subtle, 'decrypt').mockRejectedValueOnce(fault)
  await expect(cipher.open(new Uint8Array(20), 0, true)).rejects.toBe(fault)
})
