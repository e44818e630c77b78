// The transfers of the soak, in a process of their own: what it still holds afterwards was leaked by them.
import { once } from 'node:events'
import { Agent } from 'node:http'
import { CryptoBucket } from '@oss-cse/bucket'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'
import OSS from 'ali-oss'
import { Findings } from './findings.js'
import { heapMiB, heldResources, leakedSince } from './held-resources.js'
import { Random } from './random.js'
import { soakObjects } from './soak-objects.js'
import { SoakTransfer } from './soak-transfer.js'

const AT_ONCE = 24
/** Short, but a busy machine needs it. */
const IDLE_TIMEOUT_MS = 1000
const WARM_UP_BYTES = 5 * 1024 ** 2

const { server, directory, objects, seed, limitMs } = JSON.parse(process.argv[2])
const findings = new Findings()
/** @type {Set<SoakTransfer>} */
const pending = new Set()

process.on('unhandledRejection', (error) => findings.expect(false, `unhandled rejection: ${error?.stack}`))
process.on('warning', ({ name, message }) => {
  findings.expect(name !== 'MaxListenersExceededWarning', `${name}: ${message}`)
})
const watchdog = setTimeout(() => {
  for (const transfer of pending) findings.expect(false, `still under way: ${transfer}`)
  finish()
}, limitMs)

// An agent of our own, to see which of its connections are in use and to close the others.
const agent = new Agent({ keepAlive: true })
const client = new OSS({
  endpoint: server.endpoint,
  region: `oss-${server.region}`,
  bucket: server.bucket,
  accessKeyId: server.accessKeyId,
  accessKeySecret: server.accessKeySecret,
  sldEnable: true,
  authorizationV4: true,
  retryMax: 0,
  agent,
})
const transport = new OssTransport({ client, idleTimeoutMs: IDLE_TIMEOUT_MS })
const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
const provider = new RsaProvider({ privateKey })

const openBucket = (maxAttempts, logger) =>
  new CryptoBucket({ transport, provider, logger, retry: { maxAttempts, minDelayMs: 1, maxDelayMs: 50 } })
const common = { openBucket, directory, findings }

// What is loaded and started once is no leak.
await new SoakTransfer({
  ...common,
  findings: new Findings(),
  object: { name: 'warm-up', sizeBytes: WARM_UP_BYTES, store: 'file', maxAttempts: 6 },
}).run()
await closeConnections()
const before = heldResources()
const heapBefore = heapMiB()

const waiting = soakObjects(objects, new Random(seed).fork('soak'))
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let object = waiting.shift(); object !== undefined; object = waiting.shift()) {
      const transfer = new SoakTransfer({ ...common, object })
      pending.add(transfer)
      await transfer.run()
      pending.delete(transfer)
    }
  }),
)

const inUse = Object.values(agent.sockets).flat().length
findings.expect(inUse === 0, `${inUse} connections are still in use`)
await closeConnections()
for (const leak of await leakedSince(before)) findings.expect(false, `leaked: ${leak}`)
findings.count('heap before, MiB', heapBefore)
findings.count('heap after, MiB', heapMiB())
finish()

async function closeConnections() {
  const unused = Object.values(agent.freeSockets).flat()
  const closed = unused.map((socket) => once(socket, 'close'))
  agent.destroy()
  await Promise.all(closed)
}

function finish() {
  clearTimeout(watchdog)
  process.send(findings.outcome('soak'), () => process.exit())
}
