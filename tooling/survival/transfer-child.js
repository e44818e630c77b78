// One transfer by worker threads, in a process that can be stopped, or that exits in the middle.
import { downloadFile, FileCheckpointStore, uploadFile } from '@oss-cse/bucket/node'
import { ObservedWorkers } from './observed-workers.js'
import { openBucket } from './open-bucket.js'

/** So that a transfer survives as many stops as there are. */
const MAX_ATTEMPTS = 10

const { access, transfer, format, partBytes, parallel, checkpoints, idleTimeoutMs, exitAtReport } =
  JSON.parse(process.argv[2])
const { operation, key, path } = transfer
const workers = new ObservedWorkers()
const events = []
let reports = 0

const bucket = openBucket(access, {
  format,
  idleTimeoutMs,
  retry: { maxAttempts: MAX_ATTEMPTS, minDelayMs: 1, maxDelayMs: 50 },
  logger: ({ type, code, message }) => events.push({ type, code, message }),
})
const options = {
  partSizeBytes: partBytes,
  multipartThresholdBytes: partBytes,
  parallel,
  checkpointStore: new FileCheckpointStore({ directory: checkpoints }),
  onProgress() {
    reports += 1
    if (reports === exitAtReport) process.exit()
  },
}
process.once('message', () => process.exit())
try {
  const { resumedBytes } = await (operation === 'upload'
    ? uploadFile(bucket, key, path, options)
    : downloadFile(bucket, key, path, options))
  process.send({ resumedBytes, events, reports, jobs: workers.jobs })
} catch (error) {
  process.send({ error: error.stack, events, reports, jobs: workers.jobs })
}
// Idle workers and connections must not keep the process.
process.disconnect()
