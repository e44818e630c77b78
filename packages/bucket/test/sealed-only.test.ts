import { Keyring } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test, vi } from 'vitest'
import type { CryptoBucketOptions } from '../src/crypto-bucket.ts'
import { difference, pattern } from './bytes.ts'
import { memoryBucket } from './memory-bucket.ts'
import { MemoryTarget } from './memory-target.ts'

const Z = 65_536
const RSA = 'RSA/NONE/PKCS1Padding'
const code = (value: string) => expect.objectContaining({ code: value })
const INVALID = code('ERR_CSE_INVALID_ARGUMENT')
const data = pattern(3 * Z)

const strict = () => createTestProvider({ seed: 1, materialDescription: { k: 'strict' } })
const other = () => createTestProvider({ seed: 2, materialDescription: { k: 'other' } })
const rsa = (seed = 3) => createTestProvider({ seed, wrapAlgorithm: RSA, materialDescription: { k: 'rsa' } })

function strictBucket(options: Partial<CryptoBucketOptions> = {}) {
  const provider = strict()
  const keyring = new Keyring({ encrypting: provider, sealedOnly: [provider] })
  return { keyring, ...memoryBucket({ keyring, ...options }) }
}

describe('a bucket with a sealed-only key', () => {
  test('seals by default, and refuses to be asked for another format', async () => {
    const { bucket, keyring } = strictBucket()
    expect(await bucket.put('a', data)).toMatchObject({ sealed: true })
    expect(difference(await bucket.getBytes('a'), data)).toBeUndefined()
    expect(() => strictBucket({ format: 'aes-ctr' })).toThrow(INVALID)
    expect(() => memoryBucket({ keyring, format: 'aes-ctr', accept: 'any' })).toThrow(INVALID)
  })

  test('refuses each way to read an unsealed object of that key, before the unwrap and before a byte', async () => {
    const { bucket, transport, keyring } = strictBucket()
    const writer = memoryBucket({ transport, provider: strict() }).bucket
    await writer.put('a', data)
    const unwrap = vi.spyOn(keyring.encrypting, 'unwrap')
    const refused = code('ERR_CSE_NOT_SEALED')
    await expect(bucket.get('a')).rejects.toEqual(refused)
    await expect(bucket.getBytes('a', { range: 'bytes=0-9' })).rejects.toEqual(refused)
    await expect(bucket.openObject('a')).rejects.toEqual(refused)
    const target = new MemoryTarget()
    await expect(bucket.download('a', target)).rejects.toEqual(refused)
    await expect(bucket.get('a')).rejects.toMatchObject({ objectKey: 'a' })
    expect(unwrap).not.toHaveBeenCalled()
  })

  test('refuses a sealed object that was declared to be AES-CTR', async () => {
    const { bucket, transport } = strictBucket()
    await bucket.put('a', data)
    const { bytes, headers } = transport.objects.get('a') as MemoryTransport['objects'] extends Map<
      string,
      infer O
    >
      ? O
      : never
    await transport.plant('a', bytes, { ...headers, [V2_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding' })
    await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_NOT_SEALED'))
  })

  test('reads unsealed objects of another key', async () => {
    const transport = new MemoryTransport()
    await memoryBucket({ transport, provider: other() }).bucket.put('a', data)
    const keyring = new Keyring({ encrypting: other(), sealedOnly: [strict()] })
    const { bucket } = memoryBucket({ transport, keyring })
    expect(difference(await bucket.getBytes('a'), data)).toBeUndefined()
    expect(await bucket.put('b', data)).not.toHaveProperty('commitment')
  })

  test('verifies the end before it says that a range is not there, when all its keys are sealed-only', async () => {
    const { bucket, transport } = strictBucket()
    await bucket.put('a', data)
    const { bytes, headers } = transport.objects.get('a') as {
      bytes: Uint8Array
      headers: Record<string, string>
    }
    const { [V2_HEADERS.unencryptedContentLength]: _length, ...rest } = headers
    await transport.plant('a', bytes.subarray(0, Z), rest)
    await expect(bucket.getBytes('a', { range: `bytes=${2 * Z}-` })).rejects.toEqual(
      code('ERR_CSE_AUTHENTICATION_FAILED'),
    )
  })

  test('excludes plain objects: when it is built, when a key is added, and in each call', async () => {
    const { bucket, transport } = strictBucket()
    expect(() => strictBucket({ onPlainObject: 'passthrough' })).toThrow(INVALID)
    const keyring = new Keyring({ encrypting: other() })
    memoryBucket({ keyring, onPlainObject: 'passthrough' })
    expect(() => keyring.addDecrypting(strict(), { sealedOnly: true })).toThrow(INVALID)
    expect(keyring.hasSealedOnly).toBe(false)
    await transport.plant('plain', data, {})
    const get = vi.spyOn(transport, 'get')
    const head = vi.spyOn(transport, 'head')
    const plain = { onPlainObject: 'passthrough' } as const
    const accepting = memoryBucket({ transport, provider: strict(), accept: 'sealed' }).bucket
    for (const one of [bucket, accepting]) {
      await expect(one.get('plain', plain)).rejects.toEqual(INVALID)
      await expect(one.getBytes('plain', plain)).rejects.toEqual(INVALID)
      await expect(one.openObject('plain', plain)).rejects.toEqual(INVALID)
      await expect(one.download('plain', new MemoryTarget(), plain)).rejects.toEqual(INVALID)
    }
    expect([get.mock.calls, head.mock.calls]).toEqual([[], []])
  })
})

test('a get that is refused leaves no listener on the signal, and a bucket that cannot be built nothing in the keyring', async () => {
  const { bucket } = memoryBucket({ provider: strict(), accept: 'sealed' })
  const { signal } = new AbortController()
  const added = vi.spyOn(signal, 'addEventListener')
  const removed = vi.spyOn(signal, 'removeEventListener')
  await expect(bucket.getBytes('a', { signal, onPlainObject: 'passthrough' })).rejects.toEqual(INVALID)
  expect(added.mock.calls.length).toBe(removed.mock.calls.length)
  const keyring = new Keyring({ encrypting: other() })
  const retry = { maxAttempts: -1 }
  expect(() => memoryBucket({ keyring, onPlainObject: 'passthrough', retry })).toThrow(INVALID)
  keyring.addDecrypting(strict(), { sealedOnly: true })
  expect(keyring.hasSealedOnly).toBe(true)
})

describe('where only sealed objects are read under an RSA key, a wrong key is no more visible than altered content', () => {
  async function alter(transport: MemoryTransport, change: 'wrapped key' | 'content'): Promise<void> {
    const { bytes, headers } = transport.objects.get('a') as {
      bytes: Uint8Array
      headers: Record<string, string>
    }
    const altered = bytes.slice()
    const changed = { ...headers }
    if (change === 'content')
      for (let at = 50; at < altered.length; at += 50) altered[at] = (altered[at] ?? 0) ^ 1
    else {
      const wrapped = changed[V2_HEADERS.wrappedCek] ?? ''
      changed[V2_HEADERS.wrappedCek] = `${wrapped.startsWith('A') ? 'B' : 'A'}${wrapped.slice(1)}`
    }
    await transport.plant('a', altered, changed)
  }

  /** What a reader sees of an object: the error, and the requests. */
  async function seen(
    options: Partial<CryptoBucketOptions>,
    change: 'wrapped key' | 'content',
    range?: string,
  ) {
    const { bucket, transport } = memoryBucket(options)
    await bucket.put('a', data)
    await alter(transport, change)
    const requests: unknown[] = []
    for (const name of ['get', 'head'] as const) {
      const call = transport[name].bind(transport)
      transport[name] = (request: never) => {
        const { signal: _signal, ...rest } = request as { signal: unknown }
        requests.push([name, rest])
        return call(request) as never
      }
    }
    const error = await bucket.getBytes('a', range === undefined ? {} : { range }).then(
      () => expect.unreachable('it was read'),
      (thrown: unknown) => thrown as Error,
    )
    // The ETag is that of the bytes.
    return { error, requests: JSON.stringify(requests).replace(/"if-match":"[^,}]*"/g, '"if-match"') }
  }

  const sealedOnly = () => {
    const provider = rsa()
    return { keyring: new Keyring({ encrypting: provider, sealedOnly: [provider] }) }
  }
  test.each([
    ["accept: 'sealed'", () => ({ provider: rsa(), accept: 'sealed' as const })],
    ['a sealed-only key', sealedOnly],
  ])('with %s', async (_why, options) => {
    for (const range of [
      undefined,
      'bytes=0-9',
      `bytes=${2 * Z}-${2 * Z + 99}`,
      'bytes=-100',
      `bytes=${9 * Z}-`,
    ]) {
      const key = await seen(options(), 'wrapped key', range)
      const content = await seen(options(), 'content', range)
      expect(key.error).toMatchObject({
        code: 'ERR_CSE_AUTHENTICATION_FAILED',
        message: content.error.message,
      })
      expect(key.error.cause).toBeUndefined()
      expect(key.requests).toBe(content.requests)
    }
  })

  test('the commitment of a wrong key is the same in each read, and the expectation of it fails alike', async () => {
    for (const change of ['wrapped key', 'content'] as const) {
      const { bucket, transport } = memoryBucket({ provider: rsa(), accept: 'sealed' })
      await bucket.put('a', data)
      await alter(transport, change)
      const commitments: unknown[] = []
      for (let read = 0; read < 2; read++) {
        const { body, commitment } = await bucket.get('a')
        commitments.push(commitment)
        await body.cancel()
      }
      expect(commitments[0]).toMatch(/^[\w-]{43}$/)
      expect(commitments[1]).toBe(commitments[0])
      await expect(
        bucket.getBytes('a', { expectCommitment: commitments[0] as string }),
      ).rejects.toMatchObject({
        message: expect.stringContaining('The bytes 0-65479 are not what was sealed'),
      })
    }
  })

  test('elsewhere a wrong key is an error of its own', async () => {
    for (const options of [
      { provider: rsa(), format: 'sealed' as const },
      { provider: strict(), accept: 'sealed' as const },
    ]) {
      expect((await seen(options, 'wrapped key')).error).toEqual(code('ERR_CSE_UNWRAP_FAILED'))
    }
  })

  test('an upload whose wrapped key was altered is not resumed', async () => {
    const { bucket } = memoryBucket({ provider: rsa(), accept: 'sealed' })
    const upload = await bucket.initiateMultipartUpload('a', { sizeBytes: data.length, partSizeBytes: 2 * Z })
    await upload.uploadPart(1, data.subarray(0, 2 * Z - 72))
    const { envelope, ...state } = upload.toJSON()
    const wrapped = envelope[V2_HEADERS.wrappedCek] ?? ''
    const altered = {
      ...envelope,
      [V2_HEADERS.wrappedCek]: `${wrapped.startsWith('A') ? 'B' : 'A'}${wrapped.slice(1)}`,
    }
    await expect(bucket.resumeMultipartUpload({ ...state, envelope: altered })).rejects.toEqual(
      code('ERR_CSE_UNWRAP_FAILED'),
    )
  })
})
