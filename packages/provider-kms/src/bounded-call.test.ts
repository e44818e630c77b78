import { once } from 'node:events'
import { createServer as createHttpServer, get } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { httpResponse, withKmsServer } from '../test/kms-server.ts'
import { boundedCall } from './bounded-call.ts'

const DECRYPT = { ciphertextBlob: 'YmxvYg==' }
const RESPONSE = httpResponse(JSON.stringify({ Plaintext: 'cA==', KeyId: 'k', RequestId: 'r' }))
const BEGINNING = 'HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n{"Plaintext":"'

/** Resolves once data has been written to a server's connection. */
function begun() {
  let begin = () => {}
  const promise = new Promise<void>((resolve) => {
    begin = resolve
  })
  return { promise, begin }
}

async function allClosed(sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) {
    // Not `once`, which rejects with the reset that comes first.
    if (!socket.closed) await new Promise((resolve) => socket.on('close', resolve))
  }
}

/** A body of 4 MB in chunks. */
function chunked(): string {
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(1000)}0\r\n\r\n`
}

beforeEach(() => {
  // Fake timers: time passes only when a test advances it.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test.each([
  ['a body of a known length', `${BEGINNING}${'x'.repeat(4_000_000)}`],
  ['a body in chunks', chunked()],
  ['interim responses', `${'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n'.repeat(60_000)}${RESPONSE}`],
])(
  'a response of more than 1 MiB is refused while it arrives, and its connection is closed: %s',
  (_name, text) =>
    withKmsServer(
      (socket) => socket.write(text),
      async ({ kms, sockets }) => {
        await expect(kms.decrypt(DECRYPT)).rejects.toMatchObject({
          code: 'ERR_CSE_SERVICE',
          retryable: false,
          message: expect.stringContaining('more than 1048576 bytes'),
        })
        await allClosed(sockets)
      },
    ),
)

test('a response that begins in time but does not end in time is a timeout, and its connection is closed', async () => {
  const { promise, begin } = begun()
  await withKmsServer(
    (socket) => socket.write(BEGINNING, begin),
    async ({ kms, sockets }) => {
      const outcome = expect(kms.decrypt(DECRYPT)).rejects.toMatchObject({
        code: 'ERR_CSE_TIMEOUT',
        retriesExhausted: true,
      })
      await promise
      await vi.advanceTimersByTimeAsync(60_000)
      await outcome
      await allClosed(sockets)
    },
  )
})

test('a reused connection does not extend the timeout of a later call', async () => {
  const { promise, begin } = begun()
  await withKmsServer(
    (socket, _head, index) => (index === 0 ? socket.write(RESPONSE) : socket.write(BEGINNING, begin)),
    async ({ kms, sockets }) => {
      await expect(kms.decrypt(DECRYPT)).resolves.toMatchObject({ plaintext: 'cA==' })
      await vi.advanceTimersByTimeAsync(40_000)
      let outcome: unknown
      const call = kms.decrypt(DECRYPT).catch((error: unknown) => {
        outcome = error
      })
      await promise
      expect(sockets.length).toBe(1)
      // The timer of the first call fires in between, and removes that of the second call.
      await vi.advanceTimersByTimeAsync(30_000)
      await vi.advanceTimersByTimeAsync(30_000)
      expect(outcome).toMatchObject({ code: 'ERR_CSE_TIMEOUT' })
      await call
    },
  )
})

test('an aborted call closes its connection', async () => {
  const { promise, begin } = begun()
  await withKmsServer(
    (socket) => socket.write(BEGINNING, begin),
    async ({ kms, sockets }) => {
      const controller = new AbortController()
      const outcome = expect(kms.decrypt({ ...DECRYPT, signal: controller.signal })).rejects.toBe('stop')
      await promise
      controller.abort('stop')
      await outcome
      await allClosed(sockets)
    },
  )
})

test('concurrent calls have separate limits: a call that is cut does not affect the other', () =>
  withKmsServer(
    (socket, head) =>
      socket.write(head.includes('Action=Decrypt') ? RESPONSE : `${BEGINNING}${'x'.repeat(2_000_000)}`),
    async ({ kms }) => {
      const [encrypted, ...decrypted] = await Promise.allSettled([
        kms.encrypt({ keyId: 'k', plaintext: 'cA==' }),
        ...Array.from({ length: 8 }, () => kms.decrypt(DECRYPT)),
      ])
      expect(encrypted).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CSE_SERVICE' } })
      for (const call of decrypted) expect(call.status).toBe('fulfilled')
    },
  ))

test('many calls on one connection are counted separately', () =>
  withKmsServer(
    (socket) =>
      socket.write(httpResponse(JSON.stringify({ Plaintext: 'cA==', Padding: 'x'.repeat(300_000) }))),
    async ({ kms, sockets }) => {
      for (let i = 0; i < 8; i++)
        await expect(kms.decrypt(DECRYPT)).resolves.toMatchObject({ plaintext: 'cA==' })
      expect(sockets.length).toBe(1)
    },
  ))

test('requests that are not KMS calls, such as those for credentials, are not limited', async () => {
  const server = createHttpServer((_request, response) => response.end('x'.repeat(10_000))).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const send = () =>
    new Promise<number>((resolve, reject) => {
      get({ port, host: '127.0.0.1', agent: false }, async (response) => {
        let received = 0
        for await (const chunk of response) received += (chunk as Uint8Array).length
        resolve(received)
      }).on('error', reject)
    })
  const bounds = { timeoutMs: 60_000, maxResponseBytes: 1000, signal: undefined }
  const unexpected = () => new Error('it was bounded')
  await expect(boundedCall(send, { ...bounds, timedOut: unexpected, tooLarge: unexpected })).resolves.toBe(
    10_000,
  )
  server.close()
})
