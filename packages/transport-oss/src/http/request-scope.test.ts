import { getEventListeners } from 'node:events'
import { expect, it, vi } from 'vitest'
import {
  bodyOf,
  fakeServer,
  readAll,
  readRequest,
  rejection,
  signalled,
  transportOnto,
} from '../../test/fake-server.ts'

const reason = new Error('enough')

it('an aborted signal rejects with its reason before any request, and opens no body', async () => {
  const server = await fakeServer((_, response) => response.end())
  const transport = transportOnto(server)
  const open = vi.fn()
  const signal = AbortSignal.abort(reason)
  const upload = { key: 'a', uploadId: 'u', signal }
  for (const call of [
    transport.put({ key: 'a', headers: {}, body: { open }, signal }),
    transport.put({ key: 'a', headers: {}, body: { open, sizeBytes: 0 }, signal }),
    transport.get({ key: 'a', headers: {}, signal }),
    transport.head({ key: 'a', headers: {}, signal }),
    transport.initiate({ key: 'a', headers: {}, signal }),
    transport.uploadPart({ ...upload, partNumber: 1, headers: {}, body: { open, sizeBytes: 1 } }),
    transport.complete({ ...upload, parts: [{ partNumber: 1, etag: '"a"' }], headers: {} }),
    transport.abort(upload),
    transport.listParts(upload),
    transport.listUploads({ signal }),
    transport.list({ signal }),
    transport.delete({ key: 'a', signal }),
    transport.deleteMany({ keys: ['a'], signal }),
    transport.copy({ sourceKey: 'a', key: 'b', headers: {}, signal }),
    transport.createBucket({ signal }),
  ]) {
    expect(await rejection(call)).toBe(reason)
  }
  expect(open).not.toHaveBeenCalled()
  expect(server.sockets).toHaveLength(0)
})

it('an abort while a request is prepared rejects with the reason, and sends nothing if it comes at once', async () => {
  const server = await fakeServer((_, response) => response.end())
  const transport = transportOnto(server)
  for (let turns = 0; turns < 8; turns += 1) {
    const controller = new AbortController()
    const head = transport.head({ key: 'a.txt', headers: {}, signal: controller.signal })
    const given = rejection(head)
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
    controller.abort(reason)
    expect(await given).toBe(reason)
    if (turns === 0) expect(server.sockets).toHaveLength(0)
  }
})

it('an abort during an upload rejects with the reason, closes the connection and returns the source', async () => {
  const cut = signalled()
  const server = await fakeServer((request) => {
    request.resume()
    request.on('close', () => cut.tell())
    request.once('data', () => controller.abort(reason))
  })
  const controller = new AbortController()
  const returned = signalled()
  const body = {
    async *open() {
      try {
        for (;;) yield new Uint8Array(10_000)
      } finally {
        returned.tell()
      }
    },
  }
  const put = transportOnto(server).put({ key: 'a', headers: {}, body, signal: controller.signal })
  expect(await rejection(put)).toBe(reason)
  await Promise.all([cut.happened, returned.happened])
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
})

it('an abort while the source is silent does not wait for it', async () => {
  const server = await fakeServer(() => {})
  const controller = new AbortController()
  const body = {
    sizeBytes: 5,
    async *open(): AsyncGenerator<Uint8Array> {
      setImmediate(() => controller.abort(reason))
      await new Promise(() => {})
      yield new Uint8Array(5)
    },
  }
  const put = transportOnto(server).put({ key: 'a', headers: {}, body, signal: controller.signal })
  expect(await rejection(put)).toBe(reason)
})

it('an abort before the response rejects with the reason and closes the connection', async () => {
  const controller = new AbortController()
  const cut = signalled()
  const server = await fakeServer(async (request, response) => {
    response.on('close', cut.tell)
    await readRequest(request)
    controller.abort(reason)
  })
  const body = bodyOf([new Uint8Array(5)], 5)
  const put = transportOnto(server).put({ key: 'a', headers: {}, body, signal: controller.signal })
  expect(await rejection(put)).toBe(reason)
  await cut.happened
})

it.each(['while a read waits', 'between two reads'])(
  'an abort %s rejects the body with the reason and closes the connection',
  async (when) => {
    const controller = new AbortController()
    const cut = signalled()
    const server = await fakeServer((_, response) => {
      response.on('close', cut.tell)
      response.writeHead(200, { 'content-length': '100' })
      response.write('x')
    })
    const { body } = await transportOnto(server).get({ key: 'a', headers: {}, signal: controller.signal })
    const iterator = body[Symbol.asyncIterator]()
    await iterator.next()
    if (when === 'between two reads') {
      controller.abort(reason)
      await cut.happened
    }
    const next = rejection(iterator.next())
    controller.abort(reason)
    expect(await next).toBe(reason)
    await cut.happened
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  },
)

it('no listener stays on the signal, after success, failure or an early return', async () => {
  const server = await fakeServer((request, response) => {
    if (request.url?.endsWith('missing')) response.writeHead(404)
    response.end('x')
  })
  const transport = transportOnto(server)
  const { signal } = new AbortController()
  await readAll((await transport.get({ key: 'a', headers: {}, signal })).body)
  const { body } = await transport.get({ key: 'a', headers: {}, signal })
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  await body[Symbol.asyncIterator]().return?.()
  await transport.head({ key: 'a', headers: {}, signal })
  await transport.put({ key: 'a', headers: {}, body: bodyOf([new Uint8Array(3)], 3), signal })
  await rejection(transport.get({ key: 'missing', headers: {}, signal }))
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

it('an abort after the end changes nothing', async () => {
  const server = await fakeServer((_, response) => response.end('abc'))
  const controller = new AbortController()
  const { body } = await transportOnto(server).get({ key: 'a', headers: {}, signal: controller.signal })
  expect(String(await readAll(body))).toBe('abc')
  controller.abort(reason)
  expect(await body[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
})

it('a reason of null is kept', async () => {
  const controller = new AbortController()
  const server = await fakeServer(() => controller.abort(null))
  const head = transportOnto(server).head({ key: 'a', headers: {}, signal: controller.signal })
  expect(await rejection(head)).toBe(null)
})
