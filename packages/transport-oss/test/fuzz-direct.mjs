// Compares the direct reader of responses with node:http: node test/fuzz-direct.mjs [RESPONSES] [HEADS] [SEED].
// First, whole responses over connections. Then, many more heads in memory. It runs the sources, so it needs a Node.js
// that strips types, such as that of this repository.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { ResponseHeadReader } from '../src/http/direct/response-head.ts'
import { DirectTrials, PLAIN_SCRIPTS, SCRIPTS } from './direct-trials.ts'

const [responses = 50_000, heads = 1_000_000, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number)
const BATCH = 500

let state = seed
const random = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
  return (state >>> 0) / 2 ** 32
}
const below = (limit) => Math.floor(random() * limit)
const oneOf = (list) => list[below(list.length)]

let failures = 0
function fail(...details) {
  if (++failures <= 20) console.error(...details)
}

async function compareResponses() {
  const counts = { direct: 0, byNode: 0, plain: 0 }
  const trials = new DirectTrials(random)
  await trials.start()
  const compare = async (script) => {
    try {
      return await trials.compare(script)
    } catch (error) {
      const shown = script.pieces.map((piece) => piece.toString('latin1').slice(0, 900))
      fail(script.end, shown, error.message.slice(0, 1500))
    }
  }
  for (let done = 0; done < responses; done += BATCH) {
    const numRuns = Math.min(BATCH, responses - done)
    for (const script of fc.sample(SCRIPTS, { numRuns, seed: seed + done })) {
      counts[(await compare(script)) ? 'byNode' : 'direct']++
    }
    for (const script of fc.sample(PLAIN_SCRIPTS, { numRuns: BATCH / 10, seed: seed + done })) {
      if (await compare(script))
        fail('A response of the service was left to node:http.', String(script.pieces))
      counts.plain++
    }
  }
  await trials.stop()
  return counts
}

const LINES = [
  'Content-Length: 5',
  'content-length: 0',
  'Content-Length: 123456',
  'Content-Length:7 ',
  'ETag: "5B3C1A2E053D763E1B002CC607C5A0FE"',
  'x-oss-meta-a: b',
  'x-oss-meta-b:',
  'x-oss-meta-c:\t c \t',
  'Set-Cookie: a=b',
  'set-cookie: c',
  'Connection: keep-alive',
  'connection: close',
  'Connection: Upgrade',
  'Keep-Alive: timeout=5, max=100',
  'Transfer-Encoding: chunked',
  'Date: Fri, 24 Feb 2012 06:07:48 GMT',
  'Server: AliyunOSS',
  'Age: 1',
  'Vary: Origin',
  'vary: x',
  'constructor: x',
  'x: \xe4\xff',
]
const STATUS_LINES = [
  '200 OK',
  '206 Partial Content',
  '404 Not Found',
  '200 ',
  '500 \xe4',
  '204 x',
  '103 x',
  '999 x',
]
const ODD_BYTES = '\0\t\n\r :,;=+-0159aA_"\x7f\x80\xff'

/** A head with up to three wrong bytes. */
function randomHead() {
  const lines = Array.from({ length: 1 + below(5) }, () => oneOf(LINES))
  if (random() < 0.8) lines.push('Content-Length: 5')
  let head = `HTTP/1.1 ${oneOf(STATUS_LINES)}\r\n${lines.join('\r\n')}\r\n\r\n`
  for (let i = below(4); i > 0; i--) {
    const at = below(head.length)
    const byte = random() < 0.7 ? oneOf(ODD_BYTES) : String.fromCharCode(below(256))
    head = head.slice(0, at) + (random() < 0.7 ? byte : '') + head.slice(at + below(2))
  }
  return Buffer.from(`${head}12345`, 'latin1')
}

/** What node:http reads. */
function readByNode(bytes) {
  return new Promise((resolve) => {
    const connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    const outgoing = request({ createConnection: () => connection })
    outgoing.once('response', (response) => {
      const { 'set-cookie': cookies, ...headers } = response.headers
      if (cookies !== undefined) headers['set-cookie'] = cookies.join(', ')
      resolve({ status: response.statusCode, headers })
      response.on('error', () => {})
      connection.destroy()
    })
    outgoing.once('error', ({ code }) => resolve({ code }))
    outgoing.end()
    connection.push(bytes)
    connection.push(null)
  })
}

async function compareHeads() {
  const counts = { accepted: 0, declined: 0 }
  for (let i = 0; i < heads; i++) {
    const bytes = randomHead()
    const reader = new ResponseHeadReader()
    const size = reader.read(bytes)
    if (size === undefined || reader.head === undefined) {
      counts.declined++
      continue
    }
    counts.accepted++
    const { status, headers } = reader.head
    const byNode = await readByNode(bytes)
    try {
      assert.deepEqual({ status, headers: { ...headers } }, byNode)
      assert.equal(size, bytes.indexOf('\r\n\r\n') + 4)
    } catch {
      fail(bytes.toString('latin1'), { status, headers }, byNode)
    }
  }
  return counts
}

console.log(`seed ${seed}`)
console.log('responses', await compareResponses())
console.log('heads', await compareHeads())
console.log(`${failures} failures`)
process.exitCode = failures > 0 ? 1 : 0
