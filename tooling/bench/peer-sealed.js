import { mkdir } from 'node:fs/promises'
import { alternate } from './alternate.js'
import { digestOfFile } from './file-digest.js'
import { OURS } from './peer-names.js'
import { observed, withPeer } from './peer-session.js'
import { SMALL_BYTES } from './peer-small.js'
import { OPERATIONS, PARALLEL, PART_BYTES } from './peer-transfer.js'

/** The formats of content, as the bucket names them: the first is what the other is held against. */
export const FORMATS = ['aes-ctr', 'sealed']
const BITS = 2048

/**
 * @typedef {object} SealedResults - samples of each format, by operation
 * @property {Record<string, Record<string, import('./peer-session.js').PeerSample[]>>} transfers
 * @property {Record<string, Record<string, { wallMs: number, cpuMs: number }[]>>} small
 */

/**
 * Transfers the same file in both formats, in turns. The objects to read are those that the bucket itself has put.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {readonly import('./peer-sdks.js').Peer[]} peers
 * @param {{ rounds: number, sizeBytes: number, count: number }} options - `count` of calls with 1 KiB in a round
 * @returns {Promise<SealedResults | undefined>} nothing if ours does not take part
 */
export async function measureSealed(lab, peers, { rounds, sizeBytes, count }) {
  const ours = peers.find(({ name }) => name === OURS)
  if (ours === undefined) return undefined
  const each = (run) => Object.fromEntries(FORMATS.map((format) => [format, () => run(format)]))
  const report =
    (what) =>
    (round, format, { seconds, cpuSeconds, peakRssMiB }) =>
      console.error(
        `${what} ${round}: ${format}: ${seconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s, peak RSS ${Math.round(peakRssMiB)} MiB`,
      )
  const transfers = {}
  for (const operation of Object.keys(OPERATIONS)) {
    const run = (format) => transfer(lab, ours, { operation, format, sizeBytes })
    transfers[operation] = await alternate(rounds, each(run), report(operation))
  }
  const small = {}
  for (const call of ['put', 'get']) {
    const run = (format) => loop(lab, ours, { call, format, count })
    const samples = await alternate(rounds, each(run), report(`${call} of 1 KiB`))
    const milliseconds = ({ seconds, cpuSeconds }) => ({
      wallMs: (seconds * 1000) / count,
      cpuMs: (cpuSeconds * 1000) / count,
    })
    small[call] = Object.fromEntries(FORMATS.map((format) => [format, samples[format].map(milliseconds)]))
  }
  return { transfers, small }
}

/** One transfer in a fresh process; a file that it wrote must be the one that was put. */
async function transfer(lab, peer, { operation, format, sizeBytes }) {
  const { workspace } = lab
  const source = await workspace.sourceFile(sizeBytes)
  const writesFile = OPERATIONS[operation]
  const object = writesFile ? await storedObject(lab, peer, { format, source, sizeBytes }) : 'uploaded'
  const target = workspace.path('downloaded')
  const checkpoints = workspace.path('checkpoints')
  await mkdir(checkpoints)
  const request = {
    object,
    file: writesFile ? target : source,
    partSize: PART_BYTES,
    parallel: PARALLEL,
    checkpoints,
  }
  try {
    return await asked(
      lab,
      peer,
      format,
      (ask) => ask({ op: operation, ...request }),
      async () => {
        if (writesFile && (await digestOfFile(target)) !== (await digestOfFile(source))) {
          throw new Error(`${operation}, ${format}: the file does not hold what was put.`)
        }
      },
    )
  } finally {
    await Promise.all(['downloaded', 'checkpoints'].map((name) => workspace.remove(name)))
  }
}

/** Calls with 1 KiB, in a process that has made some before. */
async function loop(lab, peer, { call, format, count }) {
  const { workspace } = lab
  const source = await workspace.sourceFile(SMALL_BYTES)
  const object = await storedObject(lab, peer, { format, source, sizeBytes: SMALL_BYTES })
  const files = {
    put: { object: 'small', file: source },
    get: { object, file: workspace.path('downloaded') },
  }
  const request = { op: 'loop', call, parallel: 1, ...files[call] }
  return asked(lab, peer, format, async (ask) => {
    await ask({ ...request, count: Math.ceil(count / 4) })
    return ask({ ...request, count })
  })
}

/** The objects that the server keeps. */
const stored = new Set()

/** Has an object put once, which the server keeps. */
async function storedObject(lab, peer, { format, source, sizeBytes }) {
  const key = `stored-${format}-${sizeBytes}`
  if (!stored.has(key)) {
    await lab.sink.keep(true)
    await asked(lab, peer, format, (ask) => ask({ op: 'put', object: key, file: source }))
    await lab.sink.keep(false)
    stored.add(key)
  }
  return key
}

/** Uses our driver in one format, and returns the last sample. */
async function asked(lab, peer, format, work, check = async () => {}) {
  const masterKeys = lab.masterKeys[BITS].forDrivers
  const policies = { format, ...(format === 'sealed' && { accept: 'sealed' }) }
  const result = await withPeer(lab, peer, masterKeys, async (driver) => {
    const sample = await work(async (request) => {
      const outcome = await observed(lab.sink, driver, { ...request, masterKeys, ...policies })
      if (outcome.cannot !== undefined) throw new Error(`${request.op}, ${format}: ${outcome.cannot}`)
      return outcome.sample
    })
    await check()
    return { sample }
  })
  if (result.cannot !== undefined) throw new Error(result.cannot)
  return result.sample
}
