import { once } from 'node:events'
import { open, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CryptoOSS } from '../src/index.ts'
import type { Checkpoint } from '../src/upload-checkpoint.ts'
import { random, rejection, Subject } from './subject.ts'

const code = (value: string) => expect.objectContaining({ code: value })

let subject: Subject
let wire: Wire
let client: CryptoOSS

beforeEach(async () => {
  subject = await Subject.start('CryptoOSS')
  wire = await Wire.before(subject)
})

afterEach(async () => {
  wire.close()
  await subject.end()
})

/** Records what an eavesdropper sees: all ciphertexts that were sent for each part of each upload. */
class Wire {
  /** Called before a request is passed on; a returned status replaces the response of the service. */
  intercept: (message: { readonly method: string; readonly url: URL }) => Promise<number | undefined> =
    async () => undefined
  readonly #parts = new Map<string, Buffer[]>()
  readonly #server = createServer((message, response) => {
    this.#pass(message).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      (error) => response.destroy(error),
    )
  })
  readonly #service: string

  private constructor(service: string) {
    this.#service = service
  }

  static async before({ emulator }: Subject): Promise<Wire> {
    const wire = new Wire(emulator.endpoint)
    await once(wire.#server.listen(0, '127.0.0.1'), 'listening')
    return wire
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.close().closeAllConnections()
  }

  /** Returns how often each repeated part was sent. Fails if two ciphertexts of a part differ. */
  repeated(): number[] {
    const repeated: number[] = []
    for (const [part, [first, ...others]] of this.#parts) {
      for (const other of others) expect(first?.equals(other), part).toBe(true)
      if (others.length > 0) repeated.push(others.length + 1)
    }
    return repeated
  }

  async #pass(message: IncomingMessage) {
    const { method = '', url: target = '', headers } = message
    const url = new URL(target, this.#service)
    const body = await buffer(message)
    const { uploadId, partNumber } = Object.fromEntries(url.searchParams)
    if (partNumber !== undefined) {
      const part = `${uploadId} ${partNumber}`
      this.#parts.set(part, [...(this.#parts.get(part) ?? []), body])
    }
    const status = await this.intercept({ method, url })
    if (status !== undefined) return { status, headers: {}, body: Buffer.alloc(0) }
    const passed = request(url, { method, headers }).end(body)
    const [response] = (await once(passed, 'response')) as [IncomingMessage]
    return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) }
  }
}

/** Does something once, when a resumed upload has read its source and lists the stored parts. */
function onceResumed(change: () => Promise<void>): () => number {
  let changes = 0
  wire.intercept = async ({ method, url }) => {
    if (method === 'GET' && url.searchParams.has('uploadId') && changes++ === 0) await change()
    return undefined
  }
  return () => changes
}

async function rewrite(path: string, offset: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, offset)
  await file.close()
}

describe.each([
  ['aes-ctr', 102_400],
  ['sealed', 131_072],
] as const)('%s', (format, PART) => {
  const content = random(3 * PART + 5)
  const newClient = (): CryptoOSS => subject.newClient({ endpoint: wire.endpoint, format })

  beforeEach(() => {
    client = newClient()
  })

  /** Runs an upload that fails permanently after part 2 was sent. Returns the checkpoint that does not have that part. */
  async function staleCheckpoint(file: string | Buffer): Promise<Checkpoint> {
    let stale: Checkpoint | undefined
    wire.intercept = async ({ url }) => (url.searchParams.get('partNumber') === '2' ? 403 : undefined)
    const upload = client.multipartUpload('a', file, {
      partSize: PART,
      parallel: 1,
      progress: (_, checkpoint) => {
        if (checkpoint && checkpoint.doneParts.length === 0) stale = checkpoint
      },
    })
    expect(await rejection(upload)).toMatchObject({ status: 403 })
    wire.intercept = async () => undefined
    if (stale === undefined) throw new Error('There was no checkpoint.')
    return stale
  }

  test('a file that changes after an upload resumed from an outdated checkpoint sends no part again', async () => {
    const path = subject.path('in')
    await writeFile(path, content)
    const checkpoint = await staleCheckpoint(path)
    const changes = onceResumed(() => rewrite(path, PART, random(PART)))
    const error = await rejection(client.multipartUpload('a', path, { checkpoint, parallel: 1 }))
    expect(error).toEqual(code('ERR_CSE_SOURCE_CHANGED'))
    expect(changes()).toBeGreaterThan(0)
    wire.repeated()
    expect(await rejection(client.head('a'))).toMatchObject({ code: 'NoSuchKey' })
  })

  test('content in memory that changes after an upload resumed from an outdated checkpoint is sent as it was', async () => {
    const memory = Buffer.from(content)
    const checkpoint = await staleCheckpoint(memory)
    const changes = onceResumed(async () => void memory.fill(0, PART))
    await client.multipartUpload('a', memory, { checkpoint, parallel: 1 })
    expect(changes()).toBeGreaterThan(0)
    expect(wire.repeated()).toEqual([2])
    expect((await client.get('a')).content).toEqual(content)
    // The current memory is other content, and gets its own key.
    await client.multipartUpload('a', memory, { checkpoint, partSize: PART })
    wire.repeated()
    expect((await client.get('a')).content).toEqual(memory)
  })

  test.each([
    ['does not change', async () => {}],
    ['changes during the runs', (path: string) => rewrite(path, PART, random(PART))],
  ])('one checkpoint in two parallel runs, of a file that %s', async (_, change) => {
    const path = subject.path('in')
    await writeFile(path, content)
    const checkpoint = await staleCheckpoint(path)
    // The second run gets as far as the first one. The file changes between the two.
    let second: Promise<unknown> | undefined
    let parts = 0
    const sentBySecond = Promise.withResolvers<void>()
    wire.intercept = async ({ url }) => {
      if (!url.searchParams.has('partNumber')) return undefined
      parts += 1
      if (parts > 1) sentBySecond.resolve()
      if (parts !== 1) return undefined
      await change(path)
      const other = newClient()
      second = other.multipartUpload('a', path, { checkpoint, partSize: PART }).catch((error) => error)
      await sentBySecond.promise
      return undefined
    }
    const first = client.multipartUpload('a', path, { checkpoint, parallel: 1 }).catch((error) => error)
    await Promise.all([first, first.then(() => second)])
    expect(parts).toBeGreaterThan(1)
    wire.repeated()
    const { uploads } = await client.listUploads({})
    expect(uploads).toEqual([])
  })
})
