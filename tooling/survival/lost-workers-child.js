// Transfers in a process whose worker threads end at random moments.
import { mkdirSync } from 'node:fs'
import { Findings } from './findings.js'
import { FORMATS } from './formats.js'
import { heldResources } from './held-resources.js'
import { ObservedWorkers } from './observed-workers.js'
import { openBucket } from './open-bucket.js'
import { Random } from './random.js'
import { RetriedTransfer } from './retried-transfer.js'

const AT_ONCE = 3
const MIB = 1024 ** 2
const PART_BYTES = MIB / 4
/** From 8 MiB on, files are for the threads. */
const SIZE = { minBytes: 8 * MIB, maxBytes: 12 * MIB }
/** By turns in parts with a checkpoint, in parts without one, and in one request. */
const KINDS = [
  { partBytes: PART_BYTES, store: 'file' },
  { partBytes: PART_BYTES, store: 'none' },
  { partBytes: 16 * MIB, store: 'none' },
]
const MAX_ATTEMPTS = 3
/** After how many messages a thread ends: often so early that the next one is lost with the same work. */
const LIVES = [
  { min: 1, max: 8 },
  { min: 10, max: 150 },
]
/** How many threads may end for each object that has begun: so that all of them arrive in the end. */
const ENDS_PER_OBJECT = 10

const { access, directory, losing, seed } = JSON.parse(process.argv[2])
const random = new Random(seed).fork('lost-workers')
const findings = new Findings()
const arrived = []
let endsLeft = 0

process.on('unhandledRejection', (error) => findings.expect(false, `unhandled rejection: ${error?.stack}`))

const workers = new ObservedWorkers({
  onStart: (worker, number) => endAfter(worker, lifeOf(number)),
  onError: (error) => findings.expect(false, `a worker thread ended by itself: ${error?.stack}`),
})
const common = {
  openBucket: ({ format, maxAttempts }, logger) =>
    openBucket(access, { format, logger, retry: { maxAttempts, minDelayMs: 1, maxDelayMs: 5 } }),
  directory,
  findings,
  mayFail: ({ code }) => code === 'ERR_CSE_THREAD',
  tries: Number.POSITIVE_INFINITY,
  onArrived: (object) => arrived.push(object),
}
mkdirSync(directory)

const waiting = Array.from({ length: losing }, (_, index) =>
  objectOf(`object-${index}`, { ...KINDS[index % KINDS.length], format: FORMATS[index % FORMATS.length] }),
)
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let object = waiting.shift(); object !== undefined; object = waiting.shift()) {
      endsLeft += ENDS_PER_OBJECT
      await new RetriedTransfer({ ...common, object }).run()
    }
  }),
)
process.send('settle')
await new Promise((resolve) => process.once('message', resolve))
await workers.end()
const files = heldResources().descriptors.filter((descriptor) => descriptor.startsWith(directory))
findings.expect(files.length === 0, `leaked: ${files}`)
for (const [type, count] of Object.entries(workers.jobs)) {
  findings.count(`jobs of workers: ${type}`, count)
  findings.expect(count > 0, `no worker had a job ${type}`)
}
process.send({ outcome: findings.outcome('lost-workers'), arrived }, () => process.exit())

function objectOf(name, kind) {
  const sizeBytes = random.fork(name).integer(SIZE.minBytes, SIZE.maxBytes)
  return { name, sizeBytes, maxAttempts: MAX_ATTEMPTS, ...kind }
}

function lifeOf(number) {
  const choice = random.fork(`worker ${number}`)
  const { min, max } = LIVES[choice.integer(0, LIVES.length - 1)]
  return choice.integer(min, max)
}

/** Ends a thread after a number of messages from it or to it. Its first one says that it has started. */
function endAfter(worker, messages) {
  let left = messages
  const passed = () => {
    left -= 1
    if (left !== 0 || endsLeft === 0) return
    endsLeft -= 1
    findings.count('workers ended')
    void worker.terminate()
  }
  worker.on('message', passed)
  const post = worker.postMessage.bind(worker)
  worker.postMessage = (...message) => {
    post(...message)
    passed()
  }
}
