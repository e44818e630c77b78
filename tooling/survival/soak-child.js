// The transfers of the soak, in a process of their own: what it still holds afterwards was leaked by them.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { CryptoBucket } from '@oss-cse/bucket'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'
import OSS from 'ali-oss'
import { Findings } from './findings.js'
import { FORMATS } from './formats.js'
import { heapMiB, heldResources, leakedSince } from './held-resources.js'
import { ObservedWorkers } from './observed-workers.js'
import { Random } from './random.js'
import { RetriedTransfer } from './retried-transfer.js'
import { noteSent } from './sent-ciphertext.js'
import { soakObjects } from './soak-objects.js'

const AT_ONCE = 24
/** Short, but a busy machine needs it. */
const IDLE_TIMEOUT_MS = 1000
/** Long enough for the worker threads of large files, of which there are as many on any machine. */
const WARM_UP = { sizeBytes: 9 * 1024 ** 2, partBytes: 1024 ** 2, store: 'file', maxAttempts: 6 }
const WORKERS = 2

const { server, keyFile, directory, objects, seed, limitMs } = JSON.parse(process.argv[2])
const findings = new Findings()
/** @type {Set<RetriedTransfer>} */
const pending = new Set()

process.on('unhandledRejection', (error) => findings.expect(false, `unhandled rejection: ${error?.stack}`))
process.on('warning', ({ name, message }) => {
  findings.expect(name !== 'MaxListenersExceededWarning', `${name}: ${message}`)
})
const watchdog = setTimeout(() => {
  for (const transfer of pending) findings.expect(false, `still under way: ${transfer}`)
  finish()
}, limitMs)

const workers = new ObservedWorkers({
  onError: (error) => findings.expect(false, `a worker thread ended: ${error?.stack}`),
})
// An agent of our own, to see which of its connections are in use and to close the others. Workers cannot use it.
const agent = new Agent({ keepAlive: true })
const { endpoint, region, bucket, accessKeyId, accessKeySecret } = server
const client = new OSS({
  endpoint,
  region: `oss-${region}`,
  bucket,
  accessKeyId,
  accessKeySecret,
  sldEnable: true,
  authorizationV4: true,
  retryMax: 0,
  agent,
})
const transports = {
  client: new OssTransport({ client, idleTimeoutMs: IDLE_TIMEOUT_MS }),
  workers: new OssTransport({
    bucket,
    endpoint,
    region,
    accessKeyId,
    accessKeySecret,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
  }),
}
const provider = new RsaProvider({ privateKey: readFileSync(keyFile, 'utf8') })

const openBucket = ({ sends, format, maxAttempts }, logger) =>
  new CryptoBucket({
    transport: transports[sends],
    provider,
    logger,
    retry: { maxAttempts, minDelayMs: 1, maxDelayMs: 50 },
    fileWorkers: WORKERS,
    format,
    accept: format === 'sealed' ? 'sealed' : 'any',
  })
const arrived = []
const common = { openBucket, directory, findings }

// What is loaded and started once is no leak.
for (const sends of Object.keys(transports)) {
  for (const format of FORMATS) {
    await new RetriedTransfer({
      ...common,
      findings: new Findings(),
      object: { ...WARM_UP, name: `warm-up-${sends}-${format}`, format, sends },
    }).run()
  }
}
await letGo()
const before = heldResources()
const heapBefore = heapMiB()

const waiting = soakObjects(objects, new Random(seed).fork('soak'))
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let object = waiting.shift(); object !== undefined; object = waiting.shift()) {
      const transfer = new RetriedTransfer({ ...common, object, onArrived: (it) => arrived.push(it) })
      pending.add(transfer)
      await transfer.run()
      pending.delete(transfer)
    }
  }),
)

const inUse = Object.values(agent.sockets).flat().length
findings.expect(inUse === 0, `${inUse} connections are still in use`)
for (const request of await letGo()) findings.expect(false, `the server still serves ${request}`)
for (const leak of await leakedSince(before)) findings.expect(false, `leaked: ${leak}`)
for (const [type, count] of Object.entries(workers.jobs)) findings.count(`jobs of workers: ${type}`, count)
findings.count('heap before, MiB', heapBefore)
findings.count('heap after, MiB', heapMiB())
finish()

/**
 * Ends what may be kept for later: unused connections and idle workers. Before, while workers still hold what they leaked,
 * the server says which requests it still serves.
 *
 * @returns {Promise<string[]>} those requests
 */
async function letGo() {
  const unused = Object.values(agent.freeSockets).flat()
  const closed = unused.map((socket) => once(socket, 'close'))
  agent.destroy()
  await Promise.all(closed)
  process.send({ arrived })
  const [{ open, sent, failures }] = await once(process, 'message')
  noteSent(sent, findings, 'soak')
  for (const failure of failures) findings.expect(false, failure)
  await workers.end()
  return open
}

function finish() {
  clearTimeout(watchdog)
  process.send({ outcome: findings.outcome('soak') }, () => process.exit())
}
