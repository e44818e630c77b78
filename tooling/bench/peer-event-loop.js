import { alternate } from './alternate.js'
import { Child } from './child.js'
import { digestOfFile } from './file-digest.js'
import { DROP_IN, OURS, PLAIN } from './peer-names.js'

export const IDLE = 'no transfer'
const BITS = 2048

/** What each calls to send a file and to fetch one, by the names in transfers.js. */
const TRANSFERS = {
  [OURS]: { up: 'upload-file', down: 'download-file' },
  [DROP_IN]: { up: 'drop-in-put-file', down: 'drop-in-get-file' },
  [PLAIN]: { up: 'plain-put-file', down: 'plain-get-file' },
}

/**
 * @typedef {object} BusyJob - what a server does beside its requests, as its process gets it
 * @property {string} endpoint
 * @property {string} privateKeyPath
 * @property {{ transfer: string, key: string, path: string }} [up] - absent of a server that transfers nothing
 * @property {{ transfer: string, key: string, path: string }} [down]
 */

/**
 * @typedef {object} EventLoopSample
 * @property {number} seconds - that it took
 * @property {number} lagP99Ms - of the moments, 99 of 100 waited no longer for the event loop
 * @property {number} lagMaxMs
 * @property {number} requests - that came meanwhile
 * @property {number} latencyP99Ms - of those requests, seen from the client
 */

/**
 * Measures how long a server in Node.js keeps others waiting while it sends a file and fetches one, again and again.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {readonly import('./peer-sdks.js').Peer[]} peers
 * @param {{ rounds: number, sizeBytes: number, cycles: number }} options - `cycles`: how often in a round the file goes
 *   up and down
 * @returns {Promise<Record<string, EventLoopSample[]>>} by contender, one that transfers nothing among them
 */
export async function measureEventLoop(lab, peers, { rounds, sizeBytes, cycles }) {
  const { sink, workspace } = lab
  const { privateKey, forDrivers } = lab.masterKeys[BITS]
  const source = await workspace.sourceFile(sizeBytes)
  const stored = await lab.encryptedObject(sizeBytes, BITS)
  const target = workspace.path('downloaded')
  const server = { endpoint: sink.endpoint, privateKeyPath: forDrivers[0].privateKeyFile }

  const round = (name, job) => async () => {
    const before = await sink.usage()
    const sample = await serve({ ...server, ...job }, cycles)
    if (job === undefined) return sample
    const { bytesReceived } = await sink.usage()
    const wrong = (how) => new Error(`A file of ${sizeBytes} bytes by ${name}: ${how}`)
    if (bytesReceived - before.bytesReceived < sizeBytes * (cycles + 1)) throw wrong('not all bytes came.')
    const expected = await lab.expectedDigest(stored, name === PLAIN ? undefined : privateKey)
    if ((await digestOfFile(target)) !== expected) throw wrong('it does not hold what the object does.')
    await workspace.remove('downloaded')
    return sample
  }
  const contenders = { [IDLE]: round(IDLE) }
  for (const [name, { up, down }] of Object.entries(TRANSFERS)) {
    if (!peers.some((peer) => peer.name === name)) continue
    const job = {
      up: { transfer: up, key: 'uploaded', path: source },
      down: { transfer: down, key: stored, path: target },
    }
    await checkUpload(lab, { ...server, up: job.up }, name === PLAIN ? undefined : privateKey)
    contenders[name] = round(name, job)
  }
  return alternate(rounds, contenders, (number, name, { lagP99Ms, lagMaxMs, latencyP99Ms, seconds }) => {
    const lag = `lag p99 ${lagP99Ms.toFixed(1)} ms, most ${lagMaxMs.toFixed(1)} ms`
    console.error(
      `event-loop ${number}: ${name}: ${lag}, requests p99 ${latencyP99Ms.toFixed(1)} ms, ${seconds.toFixed(1)} s`,
    )
  })
}

/** One server's life. What it does first does not count: a server has long been running. */
async function serve(job, cycles) {
  const server = new Child(new URL('./busy-server.js', import.meta.url), [JSON.stringify(job)])
  try {
    const { port } = await server.receive()
    const transfers = async (count) => {
      server.send({ cycles: count })
      return server.receive()
    }
    await transfers(1)
    const client = new Child(new URL('./tiny-requests.js', import.meta.url), [String(port)])
    try {
      await client.receive()
      client.send('begin')
      const sample = await transfers(cycles)
      client.send('end')
      return { ...sample, ...(await client.receive()) }
    } finally {
      await client.end()
    }
  } finally {
    await server.end()
  }
}

/** Sends the file once more in the same way, and compares the bytes that the server received. */
async function checkUpload({ sink }, job, privateKey) {
  await sink.keep(true)
  const server = new Child(new URL('./busy-server.js', import.meta.url), [JSON.stringify(job)])
  try {
    await server.receive()
    server.send({ cycles: 1 })
    await server.receive()
    const problem = await sink.check({ key: job.up.key, sourcePath: job.up.path, privateKey })
    if (problem !== undefined) throw new Error(`${job.up.transfer}: ${problem}`)
  } finally {
    await sink.keep(false)
    await server.end()
  }
}
