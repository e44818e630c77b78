// Measures oss-cse beside the SDKs that encrypt in the same format, each spoken to by its driver of the
// interoperability lab. README.md says how. A missed target is reported and is no failure.
import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Driver } from '@oss-cse/interop/driver.js'
import { MissingToolchain, sdkVersion, TOOLCHAINS } from '@oss-cse/interop/toolchains.js'
import { alternate } from './alternate.js'
import { describeMachine } from './machine.js'
import { PeerLab } from './peer-lab.js'
import { peerChart, peerPage } from './peer-report.js'
import { OPERATIONS, peerTransfer } from './peer-transfer.js'
import { writeReport } from './report.js'
import { describeRuntime } from './runtimes.js'

const MIB = 2 ** 20
const FULL_BYTES = 512 * MIB
const QUICK_BYTES = 32 * MIB
/** Three parts, the last of them short. */
const TRIAL_BYTES = 20 * MIB + 5
const ROUNDS = 5

/** Who is measured, and what runs it. */
const LANGUAGES = {
  'oss-cse': 'node',
  'python-v1': 'python',
  'python-v2': 'python',
  'go-v1': 'go',
  'go-v2': 'go',
  'java-v1': 'java',
}

const USAGE = `bench:peers [options]
  --only NAME       one of ${Object.keys(LANGUAGES).join(', ')}; can be given several times
  --operation NAME  one of ${Object.keys(OPERATIONS).join(', ')}; can be given several times
  --rounds N        rounds, in each of which every SDK transfers once (${ROUNDS}; with --quick 1)
  --quick           ${QUICK_BYTES / MIB} MiB in place of ${FULL_BYTES / MIB}: does everything work?
  --json FILE       where the samples go (results/peers.json of this package)

docs/BENCHMARKS.md and docs/benchmarks.svg are written by a complete run alone: every SDK and operation, the whole
size, at least ${ROUNDS} rounds.
`

const DEFAULT_JSON = fileURLToPath(new URL('results/peers.json', import.meta.url))
const DOCS = new URL('../../docs/', import.meta.url)

/**
 * @typedef {object} Peer - an SDK that can run here
 * @property {string} name
 * @property {string} title
 * @property {readonly string[]} command - of its driver
 * @property {string} packageName
 * @property {string} version
 * @property {string} runtime
 */

/**
 * @typedef {object} PeerResults
 * @property {string} when
 * @property {ReturnType<typeof describeMachine>} machine
 * @property {number} loadBefore - the load average of the minute before
 * @property {number} rounds
 * @property {number} sizeBytes
 * @property {Omit<Peer, 'command'>[]} peers
 * @property {{ title: string, reason: string }[]} missing
 * @property {Record<string, {
 *   samples: Record<string, import('./peer-transfer.js').PeerSample[]>,
 *   cannot: Record<string, { cannot: string, fails: boolean }>,
 *   verifies: Record<string, boolean>
 * }>} outcomes - by operation, then by the name of the SDK
 */

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: Object.keys(LANGUAGES) },
      operation: { type: 'string', multiple: true, default: Object.keys(OPERATIONS) },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string', default: DEFAULT_JSON },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : ROUNDS))
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds} is not a number.`)
  const { only, operation: operations, quick, json } = values
  const unknown = [
    ...only.filter((name) => !(name in LANGUAGES)),
    ...operations.filter((name) => !(name in OPERATIONS)),
  ]
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}.`)
  if (process.platform !== 'linux') throw new Error('This reads /proc, which Linux alone has.')
  return { only, operations, rounds, quick, json }
}

/** Makes the environments of the SDKs, and has each say its version. */
async function preparePeers(lab, only) {
  const peers = []
  const missing = []
  for (const toolchain of TOOLCHAINS) {
    const { name, title, sdk: packageName, prepare } = toolchain
    if (!only.includes(name)) continue
    try {
      const command = await prepare()
      const driver = new Driver(title, command)
      const versions = await driver.open(lab.settings)
      await driver.close()
      const version = sdkVersion(toolchain, versions)
      const runtime = await describeRuntime(LANGUAGES[name], command)
      peers.push({ name, title, command, packageName, version, runtime })
    } catch (error) {
      if (!(error instanceof MissingToolchain)) throw error
      missing.push({ title, reason: error.message })
      console.error(`${title} is left out: ${error.message}`)
    }
  }
  return { peers, missing }
}

/**
 * Finds out who can do an operation, that all who read get the same, and who notices when the checksum that the
 * server names is another one.
 */
async function tryOut(lab, peers, operation) {
  const able = []
  const cannot = {}
  const digests = new Set()
  for (const peer of peers) {
    const outcome = await peerTransfer(lab, peer, operation, TRIAL_BYTES, { digest: true })
    if (outcome.cannot === undefined) able.push(peer)
    else {
      cannot[peer.name] = { cannot: outcome.cannot, fails: outcome.fails }
      console.error(`${operation}: ${peer.title} cannot: ${outcome.cannot}`)
    }
    if (outcome.digest !== undefined) digests.add(outcome.digest)
  }
  if (digests.size > 1) throw new Error(`Not all SDKs get the same from ${operation}.`)
  const verifies = {}
  for (const peer of able) {
    const outcome = await peerTransfer(lab, peer, operation, TRIAL_BYTES, { falseCrc64: '1' })
    verifies[peer.name] = outcome.cannot !== undefined
    console.error(`${operation}: ${peer.title} given a wrong CRC-64: ${outcome.cannot ?? 'takes no notice'}`)
  }
  return { able, cannot, verifies }
}

async function measureOperation(lab, peers, operation, rounds, sizeBytes) {
  const { able, cannot, verifies } = await tryOut(lab, peers, operation)
  const digests = new Set()
  const contender = (peer) => async () => {
    const outcome = await peerTransfer(lab, peer, operation, sizeBytes, { digest: true })
    if (outcome.cannot !== undefined) throw new Error(`${operation} by ${peer.title}: ${outcome.cannot}`)
    // A fast one must not be one that got something else.
    if (outcome.digest !== undefined) digests.add(outcome.digest)
    if (digests.size > 1) throw new Error(`${operation} by ${peer.title} gave other bytes than before.`)
    return outcome.sample
  }
  const samples = await alternate(
    rounds,
    Object.fromEntries(able.map((peer) => [peer.name, contender(peer)])),
    (round, name, { seconds, cpuSeconds, peakRssMiB, sinkCpuSeconds }) => {
      const figures = `${seconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s, sink CPU ${sinkCpuSeconds.toFixed(2)} s`
      console.error(`${operation} ${round}: ${name}: ${figures}, peak RSS ${Math.round(peakRssMiB)} MiB`)
    },
  )
  return { samples, cannot, verifies }
}

async function bench({ only, operations, rounds, quick, json }) {
  const sizeBytes = quick ? QUICK_BYTES : FULL_BYTES
  const [loadBefore] = loadavg()
  const lab = await PeerLab.start()
  const { peers, missing } = await preparePeers(lab, only)
  const outcomes = {}
  for (const operation of operations) {
    outcomes[operation] = await measureOperation(lab, peers, operation, rounds, sizeBytes)
  }
  await lab.stop()
  /** @type {PeerResults} */
  const results = {
    when: new Date().toISOString(),
    machine: describeMachine(),
    loadBefore,
    rounds,
    sizeBytes,
    peers: peers.map(({ command: _, ...peer }) => peer),
    missing,
    outcomes,
  }
  writeReport(json, results)
  const page = peerPage(results)
  console.log(page)
  console.error(`\nEvery sample: ${json}`)
  const complete =
    !quick &&
    rounds >= ROUNDS &&
    peers.length === Object.keys(LANGUAGES).length &&
    operations.length === Object.keys(OPERATIONS).length
  if (complete) {
    writeFileSync(new URL('BENCHMARKS.md', DOCS), page)
    writeFileSync(new URL('benchmarks.svg', DOCS), peerChart(results))
    console.error('Written: docs/BENCHMARKS.md, docs/benchmarks.svg')
  } else {
    console.error('Not a complete run: docs/ stay as they are.')
  }
}

let given
try {
  given = options()
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}
await bench(given)
