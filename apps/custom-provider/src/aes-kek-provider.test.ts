import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from '@oss-cse/crypto-core'
import { providerContract } from '@oss-cse/crypto-core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testInBucket } from '../test/bucket-rules.ts'
import { createAesKekProvider, readAesKek } from './aes-kek-provider.ts'

const bytes = randomBytes(32)
const key = createSecretKey(bytes)
const otherKey = createSecretKey(randomBytes(32))

describe('the provider contract', () => {
  const rules = providerContract({
    create: () => createAesKekProvider({ key, materialDescription: { key: '2026-11' } }),
    createOther: () => createAesKekProvider({ key: otherKey }),
    randomized: true,
    secrets: [bytes],
  })
  for (const rule of rules) test(rule.name, rule.run)
})

testInBucket(() => createAesKekProvider({ key }))

test('a wrapped IV is refused as a CEK, whatever its length', async () => {
  const { envelope } = await new Keyring({ encrypting: createAesKekProvider({ key }) }).generate()
  if (envelope.version !== 2) throw new Error('a V2 envelope was expected')
  const swapped = { ...envelope, wrappedCek: envelope.wrappedIv }
  await expect(createAesKekProvider({ key }).unwrap(swapped)).rejects.toMatchObject({
    code: 'ERR_CSE_UNWRAP_FAILED',
  })
})

test('no nonce is used twice, even for the same bytes', async () => {
  const provider = createAesKekProvider({ key })
  const iv = new Uint8Array(16)
  const made = await Promise.all(Array.from({ length: 100 }, () => provider.generateContentKey(iv)))
  const nonces = made.flatMap(({ wrappedCek, wrappedIv }) =>
    [wrappedCek, wrappedIv].map((text) => text.slice(0, 16)),
  )
  expect(new Set(nonces).size).toBe(200)
})

describe('the key file', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aes-kek-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  test.each([
    ['32 bytes', bytes],
    ['their base64', bytes.toString('base64')],
    ['their base64 with a line break', `${bytes.toString('base64')}\r\n`],
  ])('is read if it holds %s', async (_what, content) => {
    const path = join(directory, 'kek')
    await writeFile(path, content)
    expect((await readAesKek(path)).equals(key)).toBe(true)
  })

  test.each([
    ['is empty', ''],
    ['holds 31 bytes', bytes.subarray(1)],
    ['holds 33 bytes', Buffer.concat([bytes, bytes.subarray(0, 1)])],
    ['holds the base64 of 16 bytes', bytes.subarray(16).toString('base64')],
    ['holds hex', bytes.toString('hex')],
  ])('is refused if it %s, and the error reveals nothing of it', async (_what, content) => {
    const path = join(directory, 'kek')
    await writeFile(path, content)
    const error = await readAesKek(path).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_CSE_INVALID_KEY' })
    if (content.length > 0) expect(String(error)).not.toContain(content.toString())
  })
})

test('a key of another kind or size is refused', () => {
  expect(() => createAesKekProvider({ key: createSecretKey(randomBytes(16)) })).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_KEY' }),
  )
})
