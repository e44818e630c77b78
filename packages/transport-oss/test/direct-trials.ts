import { Agent } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import type { Address } from '../src/http/address.ts'
import { directGet } from '../src/http/direct/direct-get.ts'
import {
  type ExchangeOptions,
  type ExchangeResponse,
  exchangeThroughNode,
} from '../src/http/http-exchange.ts'
import { exchangeOptions } from './direct-exchange-options.ts'

/** What a server sends in response to one request. */
export interface Script {
  /** The pieces are sent one after another, with turns of the event loop between them. */
  readonly pieces: readonly Buffer[]
  /**
   * What happens to the connection then. With `open`, it is closed only if the client still waits. A reset comes when
   * the client has read all: it would lose what it has not.
   */
  readonly end: 'open' | 'close' | 'reset'
}

/** What a client made of a response. */
interface Outcome {
  readonly status?: number | undefined
  readonly headers?: object
  readonly body?: string
  readonly code?: unknown
  readonly retryable?: unknown
  readonly serviceCode?: unknown
  readonly requestId?: unknown
  readonly connected?: unknown
}

/** The turns of the event loop that a client has to notice that nothing more comes. */
const PATIENCE_TURNS = 30
const PLAIN = /^\/plain\/(\d+)$/
const REQUEST = { method: 'GET', headers: { 'x-oss-date': 'now', range: 'bytes=0-' }, streamed: true }

/** A server that plays scripts, and two clients: through node:http, and direct. */
export class DirectTrials {
  readonly #server = createServer({ noDelay: true }, (socket) => this.#serve(socket))
  readonly #scripts = new Map<string, Script>()
  readonly #sockets = new Set<Socket>()
  /** The requests whose client waits no longer. */
  readonly #settled = new Set<string>()
  readonly #played = new Map<string, Promise<void>>()
  /** Chooses what a reader of a body does with each chunk. */
  readonly #random: () => number
  #lastId = 0
  #port = 0

  constructor(random: () => number) {
    this.#random = random
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /**
   * Plays a script to both clients, and then asks for a plain response on the connections that are left.
   *
   * @returns whether the direct client left the response to node:http
   * @throws Error if the clients disagree
   */
  async compare(script: Script): Promise<boolean> {
    let declined = false
    const direct = await this.#outcome(script, async (address, options) => {
      const { response, connection } = await directGet(address, REQUEST, options)
      declined = connection !== undefined
      if (!declined && response === undefined) throw new Error('The request was not sent.')
      return response ?? exchangeThroughNode(address, REQUEST, options, connection)
    })
    await this.#plain()
    const node = await this.#outcome(script, (address, options) => this.#throughNode(address, options))
    const same = JSON.stringify(sorted(node)) === JSON.stringify(sorted(direct))
    if (!same) throw new Error(`node: ${JSON.stringify(node)}\ndirect: ${JSON.stringify(direct)}`)
    return declined
  }

  async #outcome(
    script: Script,
    get: (address: Address, options: ExchangeOptions) => Promise<ExchangeResponse>,
  ): Promise<Outcome> {
    const options = exchangeOptions()
    const path = `/script/${++this.#lastId}`
    this.#scripts.set(path, script)
    try {
      const response = await get(this.#address(path), options)
      const body = await this.#read(response)
      return { status: response.status, headers: response.headers, body: body.toString('latin1') }
    } catch (error) {
      const { code, retryable, serviceCode, requestId, connected, status } = (options.scope.failure?.reason ??
        error) as Outcome
      return { code, retryable, serviceCode, requestId, connected, status }
    } finally {
      this.#settled.add(path)
      await this.#played.get(path)
      this.#settled.delete(path)
      this.#played.delete(path)
      this.#scripts.delete(path)
    }
  }

  /** The response to a request after a script is that of the request, whatever the script has left behind. */
  async #plain(): Promise<void> {
    const path = `/plain/${++this.#lastId}`
    const { response } = await directGet(this.#address(path), REQUEST, exchangeOptions())
    if (response === undefined) throw new Error('A plain response was declined.')
    const body = String(await this.#read(response))
    if (body !== path || response.headers['x-oss-meta-path'] !== path) {
      throw new Error(`The response to ${path} is ${body}.`)
    }
  }

  #address(path: string): Address {
    return { secure: false, hostname: '127.0.0.1', port: String(this.#port), path }
  }

  async #throughNode(address: Address, options: ExchangeOptions): Promise<ExchangeResponse> {
    const agent = new Agent({ keepAlive: true })
    try {
      const response = await exchangeThroughNode(address, { ...REQUEST, agent }, options)
      const body = await this.#read(response)
      // The agent is destroyed, and with it a body that is not read.
      const read = Object.assign([body].values(), { recycle: () => {} })
      return { ...response, body: read as unknown as NonNullable<ExchangeResponse['body']> }
    } finally {
      agent.destroy()
    }
  }

  /** Reads a body, and recycles chunks at random. The others must stay as they are. */
  async #read({ body }: ExchangeResponse): Promise<Buffer> {
    const copies: Buffer[] = []
    const kept: { readonly chunk: Uint8Array; readonly copy: Buffer }[] = []
    for await (const chunk of body ?? []) {
      const copy = Buffer.from(chunk)
      copies.push(copy)
      if (this.#random() < 0.5) body?.recycle(chunk)
      else kept.push({ chunk, copy })
    }
    if (kept.some(({ chunk, copy }) => !copy.equals(chunk))) throw new Error('A chunk has changed.')
    return Buffer.concat(copies)
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
    let head = ''
    socket.on('data', (bytes) => {
      head += bytes.toString('latin1')
      if (!head.endsWith('\r\n\r\n')) return
      const path = /^GET (\S+) /.exec(head)?.[1] ?? ''
      head = ''
      if (PLAIN.test(path)) socket.write(plainResponse(path))
      else this.#played.set(path, this.#play(socket, path))
    })
  }

  async #play(socket: Socket, path: string): Promise<void> {
    const { pieces, end } = this.#scripts.get(path) as Script
    for (const piece of pieces) {
      if (socket.destroyed) return
      await new Promise<void>((resolve) => {
        socket.once('close', resolve)
        socket.write(piece, () => {
          socket.off('close', resolve)
          resolve()
        })
      })
      await turn()
    }
    if (end !== 'close') {
      for (let i = 0; i < PATIENCE_TURNS && !this.#settled.has(path) && !socket.destroyed; i++) await turn()
      if (end === 'open' && this.#settled.has(path)) return
    }
    if (end === 'reset') socket.resetAndDestroy()
    else socket.end()
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function sorted(outcome: Outcome): unknown {
  return { ...outcome, headers: Object.entries(outcome.headers ?? {}).sort() }
}

function plainResponse(path: string): string {
  return `HTTP/1.1 200 OK\r\nx-oss-request-id: 1\r\nx-oss-meta-path: ${path}\r\nContent-Length: ${path.length}\r\n\r\n${path}`
}

const REQUEST_ID = 'x-oss-request-id: 6556E3AED11E553933CCDEDF'
const DOCUMENT =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>m</Message><RequestId>6556</RequestId></Error>'

/** Bodies of all kinds of sizes: some fill buffers. */
const body = fc
  .oneof(
    { weight: 8, arbitrary: fc.nat(200) },
    { weight: 1, arbitrary: fc.nat(20_000) },
    { weight: 1, arbitrary: fc.integer({ min: 100_000, max: 400_000 }) },
  )
  .chain((length) => fc.nat(250).map((start) => Buffer.alloc(length, patternFrom(start))))

function patternFrom(start: number): Buffer {
  return Buffer.from(Array.from({ length: 251 }, (_, i) => (i + start) % 251))
}

const status = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('200 OK', '206 Partial Content') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '403 Forbidden',
      '404 Not Found',
      '412 Precondition Failed',
      '416 x',
      '503 Busy',
    ),
  },
)

/** The fields of a response of the service, in any order, with what proxies add. */
const fields = fc
  .subarray([
    'Server: AliyunOSS',
    'Date: Fri, 24 Feb 2012 06:07:48 GMT',
    'Content-Type: application/octet-stream',
    'ETag: "5B3C1A2E053D763E1B002CC607C5A0FE"',
    'Last-Modified: Fri, 24 Feb 2012 06:07:48 GMT',
    'Accept-Ranges: bytes',
    'Content-Range: bytes 0-8/9',
    'x-oss-object-type: Normal',
    'x-oss-hash-crc64ecma: 316181249502703***',
    'x-oss-meta-client-side-encryption-key: nyXOp7delQ/MQLjKQMhHLaT0w7u2yQoDLkSnK8MFg/MwYdh4na4/LS8LLbLcM18m8I==',
    'x-oss-meta-text:   with  spaces\t ',
    'x-oss-meta-latin: h\xe4\xdf\xff',
    'x-oss-meta-empty:',
    'Content-Encoding: gzip',
    'set-cookie: a=b; path=/',
    'x-oss-server-time: 5',
  ])
  .chain((lines) => fc.shuffledSubarray(lines, { minLength: lines.length }))

const lengthOf = (bytes: Buffer): string => `Content-Length: ${bytes.length}`
const connection = fc.constantFrom(
  undefined,
  'Connection: keep-alive',
  'Connection: close',
  'connection: Keep-Alive',
)

/** A well-formed response, as the service sends it. */
const plain = fc
  .tuple(
    status,
    fields,
    body,
    connection,
    fc.constantFrom(undefined, 'Keep-Alive: timeout=30', 'Keep-Alive: timeout=1'),
  )
  .map(([line, lines, bytes, kept, hint]) => {
    const text = /^[45]/.test(line) ? Buffer.from(DOCUMENT) : bytes
    return response(line, [...lines, REQUEST_ID, lengthOf(text), kept, hint], text)
  })

function response(line: string, lines: readonly (string | undefined)[], bytes: Buffer): Buffer {
  const head = [`HTTP/1.1 ${line}`, ...lines.filter((field) => field !== undefined), '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes])
}

/** Fields that are wrong, doubled, or mean something else. */
const oddField = fc.oneof(
  fc.constantFrom(
    'Content-Length: 5',
    'Content-Length: -1',
    'Content-Length: +5',
    'Content-Length: 0x5',
    'Content-Length: 5, 5',
    'Content-Length: 5,5',
    'Content-Length: 5 5',
    'Content-Length:',
    'Content-Length: 005',
    'Content-Length: 5.0',
    'Content-Length: 5e1',
    'Content-Length: 99999999999999999999',
    'Content-Length: 9007199254740993',
    'content-length : 5',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip, chunked',
    'Connection: upgrade',
    'Connection: close, keep-alive',
    'Connection: keep-alive, x',
    'Connection:',
    'Proxy-Connection: close',
    'Upgrade: h2c',
    'Trailer: x',
    'Keep-Alive: timeout=0',
    'Keep-Alive: x',
    'ETag: "2"',
    'Date: now',
    'Server: other',
    'x-oss-meta-a: 1',
    'x-oss-request-id: 2',
    'Set-Cookie: c=d',
    'Content-Type: text/plain',
    'Age: 1',
    ' folded: yes',
    '\tfolded',
    'x-fold: a\r\n b',
    'bad name: x',
    'bad\tname: x',
    'bad(name): x',
    'b\xe4d: x',
    ': x',
    'none',
    '',
    'x-nul: a\0b',
    'x-control: a\x01b',
    'x-delete: a\x7fb',
    'x-cr: a\rb',
    'x-lf: a\nb',
    '__proto__: x',
    'constructor: x',
    'toString: x',
    'hasOwnProperty: x',
    'host: x',
    `x-long: ${'v'.repeat(15_000)}`,
    `x-longer: ${'v'.repeat(17_000)}`,
    `${'n'.repeat(17_000)}: v`,
    Array.from({ length: 300 }, (_, i) => `x-${i}: v`).join('\r\n'),
    Array.from({ length: 1100 }, (_, i) => `y${i}: v`).join('\r\n'),
  ),
  fc
    .tuple(
      fc.string({ unit: 'binary-ascii', maxLength: 5 }),
      fc.string({ unit: 'binary-ascii', maxLength: 5 }),
    )
    .map((pair) => pair.join(':')),
)

const oddLine = fc.constantFrom(
  'HTTP/1.0 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.1 200 ',
  'HTTP/1.1  200 OK',
  'HTTP/1.1 20 OK',
  'HTTP/1.1 2000 OK',
  'HTTP/1.1 200\tOK',
  'HTTP/1.1 +20 OK',
  'HTTP/1.1 000 OK',
  'HTTP/1.1 099 OK',
  'HTTP/1.1 199 OK',
  'HTTP/1.1 203 OK',
  'HTTP/1.1 204 OK',
  'HTTP/1.1 205 OK',
  'HTTP/1.1 299 OK',
  'HTTP/1.1 302 Found',
  'HTTP/1.1 304 OK',
  'HTTP/1.1 600 OK',
  'HTTP/1.1 999 OK',
  'HTTP/1.1 100 Continue',
  'HTTP/1.1 101 Switching Protocols',
  'HTTP/1.1 200 O\tK',
  'HTTP/1.1 200 O\xe4K',
  'HTTP/1.1 200 O\0K',
  'HTTP/1.1 200 O\x7fK',
  'HTTP/1.2 200 OK',
  'HTTP/2.0 200 OK',
  'http/1.1 200 OK',
  'HTTP/1.1200 OK',
  'ICY 200 OK',
  '\r\nHTTP/1.1 200 OK',
  '\nHTTP/1.1 200 OK',
  ' HTTP/1.1 200 OK',
  'GET / HTTP/1.1',
)

/** A response with one thing wrong, or several. */
const odd = fc
  .record({
    line: fc.oneof(
      { weight: 3, arbitrary: status.map((text) => `HTTP/1.1 ${text}`) },
      { weight: 1, arbitrary: oddLine },
    ),
    before: fc.array(oddField, { maxLength: 2 }),
    lines: fields,
    after: fc.array(oddField, { maxLength: 2 }),
    bytes: body,
    id: fc.constantFrom(REQUEST_ID, REQUEST_ID, REQUEST_ID, undefined),
    stated: fc.constantFrom('right', 'right', 'right', 'none', 'short', 'long'),
    newline: fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\n\r'),
  })
  .map(({ line, before, lines, after, bytes, id, stated, newline }) => {
    const length = {
      right: bytes.length,
      none: undefined,
      short: Math.max(0, bytes.length - 3),
      long: bytes.length + 3,
    }[stated]
    const all = [
      line,
      ...before,
      ...lines,
      id,
      length === undefined ? undefined : `Content-Length: ${length}`,
      ...after,
      '',
      '',
    ]
    const head = all.filter((field) => field !== undefined).join(newline)
    return Buffer.concat([Buffer.from(head, 'latin1'), bytes])
  })

const interim = fc.constantFrom(
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n',
  'HTTP/1.1 102 x\r\nContent-Length: 3\r\n\r\n',
)

/** One that looks like a response to the next request. */
const SECOND = response(
  '200 OK',
  ['x-oss-request-id: 2', 'x-oss-meta-path: forged', 'Content-Length: 6'],
  Buffer.from('forged'),
)

/** Changes of single bytes. */
const mutated = fc
  .tuple(
    plain,
    fc.array(
      fc.record({
        kind: fc.constantFrom('set', 'insert', 'delete', 'repeat', 'cut'),
        at: fc.nat(600),
        byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 9, 10, 13, 32, 44, 48, 58)),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([bytes, changes]) =>
    changes.reduce((all, { kind, at, byte }) => {
      const place = at % Math.max(1, Math.min(all.length, 600))
      const [head, tail] = [all.subarray(0, place), all.subarray(place)]
      switch (kind) {
        case 'set':
          return Buffer.concat([head, Buffer.of(byte), tail.subarray(1)])
        case 'insert':
          return Buffer.concat([head, Buffer.of(byte), tail])
        case 'delete':
          return Buffer.concat([head, tail.subarray(1)])
        case 'repeat':
          return Buffer.concat([head, tail.subarray(0, byte % 40), tail])
        default:
          return byte < 40 ? head : all
      }
    }, bytes),
  )

const bytesSent = fc.oneof(
  { weight: 3, arbitrary: plain },
  { weight: 6, arbitrary: odd },
  { weight: 6, arbitrary: mutated },
  {
    weight: 1,
    arbitrary: fc.tuple(interim, plain).map(([first, second]) => Buffer.concat([Buffer.from(first), second])),
  },
  { weight: 1, arbitrary: plain.map((bytes) => Buffer.concat([bytes, SECOND])) },
  {
    weight: 1,
    arbitrary: fc.tuple(plain, fc.uint8Array({ maxLength: 20 })).map((parts) => Buffer.concat(parts)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(plain, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % bytes.length)),
  },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
)

/** Splits bytes anywhere: at a few places, or into single bytes at the beginning. */
function split(bytes: Buffer, cuts: readonly number[], single: boolean): Buffer[] {
  const places = single
    ? Array.from({ length: Math.min(bytes.length, 700) }, (_, i) => i + 1)
    : cuts.map((cut) => cut % (Math.min(bytes.length, 900) + 1)).sort((a, b) => a - b)
  const pieces: Buffer[] = []
  let begin = 0
  for (const place of [...places, bytes.length]) {
    if (place > begin) pieces.push(bytes.subarray(begin, place))
    begin = Math.max(begin, place)
  }
  return pieces
}

const cuts = fc.oneof(
  { weight: 3, arbitrary: fc.constant<number[]>([]) },
  { weight: 3, arbitrary: fc.array(fc.nat(), { maxLength: 5 }) },
)
const single = fc.nat(39).map((n) => n === 0)

function scripts(bytes: fc.Arbitrary<Buffer>, end: fc.Arbitrary<Script['end']>): fc.Arbitrary<Script> {
  return fc
    .tuple(bytes, cuts, single, end)
    .map(([all, places, one, then]) => ({ pieces: split(all, places, one), end: then }))
}

/** Responses as the service sends them. They are never declined. */
export const PLAIN_SCRIPTS = scripts(plain, fc.constantFrom<Script['end']>('open', 'close'))

/** Responses of any kind. */
export const SCRIPTS = scripts(bytesSent, fc.constantFrom<Script['end']>('open', 'open', 'close', 'reset'))
