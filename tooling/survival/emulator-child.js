// An emulator in a process of its own, so that what it holds open does not count as its client's. At each message it says
// how many requests are still open when nothing more ends, what must never have left, and whether the objects are what was
// uploaded, and closes the connections that serve none.
import { subscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Keyring } from '@oss-cse/crypto-core'
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { digest } from './retried-transfer.js'
import { openStored } from './sealed-object.js'
import { SentCiphertext } from './sent-ciphertext.js'
import { carriesBytes, describeRequest } from './wire-tap.js'

const POLL_MS = 50
const PATIENCE_MS = 10_000

const { keyFile, ...options } = JSON.parse(process.argv[2])
const keyring = new Keyring({ encrypting: new RsaProvider({ privateKey: readFileSync(keyFile, 'utf8') }) })
const sent = new SentCiphertext(keyring)
const open = new Set()
let server
subscribe('http.server.request.start', ({ request, response, server: serving }) => {
  server = serving
  open.add(request)
  response.once('close', () => open.delete(request))
  const exchange = describeRequest(request)
  if (carriesBytes(exchange)) record(request, response, exchange)
})

const emulator = await startOssEmulator({ ...options, maxRecordedRequests: 1 })
const { endpoint, region, accessKeyId, accessKeySecret, buckets } = emulator
const [bucket] = buckets
process.send({ endpoint, region, accessKeyId, accessKeySecret, bucket })
process.on('message', settle)
process.on('disconnect', () => process.exit())

/** Keeps what arrives of a body, whatever the server does with it. A proxy would not pass on that a client is gone. */
function record(request, response, exchange) {
  const chunks = []
  const push = request.push.bind(request)
  request.push = (chunk, ...rest) => {
    if (chunk !== null) chunks.push(Buffer.from(chunk))
    return push(chunk, ...rest)
  }
  response.once('close', () => {
    sent.add({ exchange, bytes: Buffer.concat(chunks), whole: request.complete })
  })
}

async function settle({ arrived }) {
  const deadline = performance.now() + PATIENCE_MS
  while (open.size > 0 && performance.now() < deadline) await delay(POLL_MS)
  server?.closeIdleConnections()
  const stillOpen = [...open].map(({ method, url }) => `${method} ${url}`)
  const failures = []
  for (const object of arrived) {
    if (object.format === 'sealed')
      await check(object).catch(({ message }) => failures.push(`${object.name}: ${message}`))
  }
  process.send({ open: stillOpen, sent: await sent.report(), failures })
}

/** Whether a sealed object is what was uploaded, by other means than those of its upload. */
async function check({ name, digest: expected }) {
  const opened = await openStored(await emulator.getStoredObject(bucket, name), keyring)
  if (digest(opened) !== expected) throw new Error('the object is not what was uploaded')
}
