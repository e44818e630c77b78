import { mkdir } from 'node:fs/promises'
import { Child } from './child.js'

/**
 * @typedef {object} Job - one transfer, as a child process gets it
 * @property {string} transfer - its name in transfers.js
 * @property {string} endpoint
 * @property {string} privateKeyPath
 * @property {string} [key] - the object
 * @property {string} [path] - the file to read or to write
 * @property {string} [directory] - for checkpoints
 * @property {number} [sizeBytes] - of the file to read
 * @property {number} [readBytes] - how much of it to read at a time
 * @property {boolean} [flush] - whether the written file must be on disk
 * @property {number} [count] - of requests
 * @property {number} [objectBytes] - of the object to read ranges of
 * @property {number} [start] - of a range
 * @property {number} [end] - of a range, inclusive
 */

/**
 * @typedef {object} Sample - what one transfer took
 * @property {number} seconds - by the clock
 * @property {number} cpuSeconds - user and system, all threads of the process
 * @property {number} startRssMiB - resident memory when the clock started
 * @property {number} peakRssMiB - the most resident memory that the process ever had
 * @property {number} sinkCpuSeconds - what the server needed meanwhile
 * @property {number} requests - how many the server saw
 * @property {number} bytesReceived - by the server, in bodies
 * @property {number} bytesSent - by the server, in bodies
 */

/**
 * Runs one transfer in a fresh process.
 *
 * @param {import('./context.js').Context} context
 * @param {Omit<Job, 'endpoint' | 'privateKeyPath'>} job
 * @returns {Promise<Sample>}
 */
export async function measure({ sink, workspace, privateKeyPath, nodeArgs }, job) {
  const directory = workspace.path('checkpoints')
  await mkdir(directory, { recursive: true })
  const whole = { ...job, directory, endpoint: sink.endpoint, privateKeyPath }
  const file = new URL('./transfer-child.js', import.meta.url)
  const child = new Child(file, [JSON.stringify(whole)], nodeArgs)
  try {
    await child.receive()
    const before = await sink.usage()
    child.send('go')
    const sample = await child.receive()
    const after = await sink.usage()
    return {
      ...sample,
      sinkCpuSeconds: after.cpuSeconds - before.cpuSeconds,
      requests: after.requests - before.requests,
      bytesReceived: after.bytesReceived - before.bytesReceived,
      bytesSent: after.bytesSent - before.bytesSent,
    }
  } finally {
    await child.end()
    await workspace.remove('checkpoints')
  }
}
