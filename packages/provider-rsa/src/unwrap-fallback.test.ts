import { expect, test, vi } from 'vitest'
import { envelope, vector } from '../test/support/keys.ts'
import { RsaProvider } from './rsa-provider.ts'

const attempts = vi.hoisted(() => ({ count: 0 }))

vi.mock('node:worker_threads', async (importOriginal) => ({
  ...(await importOriginal<typeof import('node:worker_threads')>()),
  Worker: class {
    constructor() {
      attempts.count += 1
      throw new Error('no thread here')
    }
  },
}))

const cek = Uint8Array.from(Buffer.from(vector.cek, 'base64'))
const object = envelope(vector.wrappedCek, vector.wrappedIv)

test('where no thread can start, keys are unwrapped in the calling thread, and each provider warns once', async () => {
  const onWarning = vi.fn<(message: string) => void>(() => {
    throw new Error('a listener that throws')
  })
  const provider = new RsaProvider({ privateKey: vector.privateKeyPem, unwrapInWorker: true, onWarning })
  const keys = await Promise.all([provider.unwrap(object), provider.unwrap(object), provider.unwrap(object)])
  expect(keys.map((key) => key.cek)).toEqual([cek, cek, cek])
  expect((await provider.unwrap(object)).cek).toEqual(cek)
  expect(onWarning).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('`unwrapInWorker`'))
  expect(attempts.count).toBe(1)
})

test('the default warning is a warning of the process, with a code', async () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue()
  const provider = new RsaProvider({ privateKey: vector.privateKeyPem, unwrapInWorker: true })
  expect((await provider.unwrap(object)).cek).toEqual(cek)
  expect(emitWarning).toHaveBeenCalledExactlyOnceWith(expect.any(String), { code: 'OSS_CSE_NO_WORKER' })
})

test('an aborted unwrap rejects with the reason, also where no thread can start', async () => {
  const provider = new RsaProvider({
    privateKey: vector.privateKeyPem,
    unwrapInWorker: true,
    onWarning: () => {},
  })
  const controller = new AbortController()
  const reading = provider.unwrap(object, { signal: controller.signal })
  controller.abort('enough')
  await expect(reading).rejects.toBe('enough')
})
