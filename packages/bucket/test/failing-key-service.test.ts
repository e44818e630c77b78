import { Keyring, type MasterKeyProvider, TransportError } from '@oss-cse/crypto-core'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { memoryBucket } from './memory-bucket.ts'
import { settle } from './multipart.ts'
import { WatchedKeyring } from './watched-keys.ts'

/** A key service that fails the given number of times before it responds, and counts its calls. */
function service(failures: number, retriesExhausted: boolean) {
  const real = createTestProvider()
  const state = { asked: 0, left: 0 }
  const answering = <Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>) => {
    return async (...args: Args): Promise<Answer> => {
      state.asked += 1
      if (state.left-- > 0) {
        throw new TransportError('ERR_CSE_THROTTLED', 'busy', { retryable: true, retriesExhausted })
      }
      return call(...args)
    }
  }
  const provider: MasterKeyProvider = {
    ...real,
    generateContentKey: answering(real.generateContentKey),
    unwrap: answering(real.unwrap),
  }
  const { bucket, transport } = memoryBucket({ keyring: new Keyring({ encrypting: provider }) })
  const operations = {
    put: (): Promise<unknown> => bucket.put('b', 'text'),
    upload: () => bucket.upload('b', new Uint8Array(200_000), { multipartThresholdBytes: 0 }),
    get: () => bucket.getBytes('a'),
    open: () => bucket.openObject('a'),
  }
  return {
    bucket,
    transport,
    operations,
    state,
    fail: () => Object.assign(state, { asked: 0, left: failures }),
  }
}

describe.each(['put', 'upload', 'get', 'open'] as const)(
  'a key service that fails temporarily, in %s',
  (name) => {
    test('is retried by the bucket', async () => {
      const { bucket, operations, state, fail } = service(2, false)
      await bucket.put('a', 'text')
      fail()
      await expect(operations[name]()).resolves.toBeDefined()
      expect(state.asked).toBe(3)
    })

    test('is not retried when its provider has already done so, and nothing is sent', async () => {
      const { bucket, transport, operations, state, fail } = service(2, true)
      await bucket.put('a', 'text')
      fail()
      transport.requests.length = 0
      await expect(operations[name]()).rejects.toMatchObject({
        code: 'ERR_CSE_THROTTLED',
        objectKey: name === 'put' || name === 'upload' ? 'b' : 'a',
        message: expect.stringMatching(/^[ab]: busy/),
      })
      expect(state.asked).toBe(1)
      expect(transport.requests.filter(({ operation }) => !['get', 'head'].includes(operation))).toEqual([])
    })
  },
)

test.each(['generate', 'unwrap'] as const)(
  'an aborted call does not wait for a key service that ignores the signal, and a key that arrives later is wiped: %s',
  async (method) => {
    const keyring = new WatchedKeyring()
    const { bucket, transport } = memoryBucket({ keyring })
    await bucket.put('a', 'text')
    const call = keyring[method].bind(keyring) as (...args: unknown[]) => Promise<never>
    let respond = (): void => {}
    let asked = (): void => {}
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve
    })
    keyring[method] = async (...args: unknown[]) => {
      asked()
      await new Promise<void>((resolve) => {
        respond = resolve
      })
      return call(args[0], {})
    }
    const controller = new AbortController()
    const { signal } = controller
    transport.requests.length = 0
    const result = method === 'generate' ? bucket.put('b', 'text', { signal }) : bucket.get('a', { signal })
    await isAsked
    controller.abort()
    await expect(result).rejects.toMatchObject({ name: 'AbortError' })
    const before = keyring.handedOut.length
    respond()
    await settle()
    expect(keyring.handedOut).toHaveLength(before + 1)
    expect(keyring.handedOut.at(-1)).toEqual({ cek: new Uint8Array(32), iv: new Uint8Array(16) })
    expect(transport.objects.has('b')).toBe(false)
  },
)

test.each(['put', 'upload'] as const)(
  'a repeated content key of a provider is refused before anything is sent, in %s',
  async (name) => {
    const real = createTestProvider()
    let first: ReturnType<typeof real.generateContentKey> | undefined
    const stuck: MasterKeyProvider = {
      ...real,
      generateContentKey: (iv) => {
        first ??= real.generateContentKey(iv)
        return first
      },
    }
    const { bucket, transport } = memoryBucket({ keyring: new Keyring({ encrypting: stuck }) })
    await bucket.put('a', 'text')
    transport.requests.length = 0
    const again =
      name === 'put'
        ? bucket.put('b', 'other')
        : bucket.upload('b', new Uint8Array(200_000), { multipartThresholdBytes: 0 })
    await expect(again).rejects.toMatchObject({ code: 'ERR_CSE_CONTENT_KEY_REUSED', objectKey: 'b' })
    expect(transport.requests).toEqual([])
  },
)
