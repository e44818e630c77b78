// Measures oss-cse beside the SDKs that encrypt in the same format, beside plain ali-oss and beside another checkout of
// this repository. README.md says how. A missed target is reported and is no failure; wrong bytes are one.
import { existsSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { alternate } from './alternate.js'
import { measureCrc64 } from './crc64-speed.js'
import { describeMachine } from './machine.js'
import { measureCli } from './peer-cli.js'
import { measureCliFiles } from './peer-cli-files.js'
import { measureEventLoop } from './peer-event-loop.js'
import { PeerLab } from './peer-lab.js'
import { measureMemory } from './peer-memory.js'
import { BASELINE, LANGUAGES, OURS } from './peer-names.js'
import { measureRanges } from './peer-ranges.js'
import { peerChart, peerPage } from './peer-report.js'
import { preparePeers } from './peer-sdks.js'
import { measureSealed } from './peer-sealed.js'
import { measureSmall } from './peer-small.js'
import { OPERATIONS, peerTransfer } from './peer-transfer.js'
import { tryOut } from './peer-trials.js'
import { writeReport } from './report.js'
import { sha256Speeds, withoutShaNi } from './without-sha-ni.js'

const MIB = 2 ** 20
const SIZES = {
  full: {
    transferBytes: 512 * MIB,
    checksumBytes: 512 * MIB,
    smallCount: 1000,
    cliBytes: 256 * MIB,
    memoryBytes: [512 * MIB, 5120 * MIB],
    cycles: 3,
    rangeCount: 1000,
  },
  quick: {
    transferBytes: 32 * MIB,
    checksumBytes: 32 * MIB,
    smallCount: 100,
    cliBytes: 16 * MIB,
    memoryBytes: [32 * MIB, 128 * MIB],
    cycles: 1,
    rangeCount: 100,
  },
}
/** The server makes it up: it takes no time and no place. */
const RANGE_OBJECT_BYTES = 4096 * MIB
const ROUNDS = 5

const WITHOUT_SHA_NI = 'upload-without-sha-ni'
const MEASURED = [
  ...Object.keys(OPERATIONS),
  WITHOUT_SHA_NI,
  'small',
  'ranges',
  'sealed',
  'memory',
  'event-loop',
  'crc64',
  'cli',
  'cli-files',
]

const USAGE = `bench:peers [options]
  --only NAME       one of ${Object.keys(LANGUAGES).join(', ')}; can be given several times
  --operation NAME  one of ${MEASURED.join(', ')}; can be given several times
  --baseline DIR    another checkout of this repository, built: takes part as "${BASELINE}"
  --rounds N        rounds, in each of which everyone runs once (${ROUNDS}; with --quick 1)
  --quick           ${SIZES.quick.transferBytes / MIB} MiB in place of ${SIZES.full.transferBytes / MIB}: does everything work?
  --json FILE       where the samples go (results/peers.json of this package)

docs/BENCHMARKS.md and docs/benchmarks.svg are written by a complete run alone: everyone, also a baseline, every
operation, the whole size, at least ${ROUNDS} rounds.
`

const DEFAULT_JSON = fileURLToPath(new URL('results/peers.json', import.meta.url))
const DOCS = new URL('../../docs/', import.meta.url)

/**
 * @typedef {object} TransferResults
 * @property {Record<string, import('./peer-session.js').PeerSample[]>} samples - by the name of the SDK, as the others
 * @property {Record<string, import('./peer-session.js').Refusal>} cannot
 * @property {Record<string, import('./peer-trials.js').Checks>} checks
 */

/**
 * @typedef {object} PeerResults - what was not asked for is absent
 * @property {string} when
 * @property {ReturnType<typeof describeMachine>} machine
 * @property {number} loadBefore - the load average of the minute before
 * @property {number} rounds
 * @property {number} sizeBytes
 * @property {number} smallCount
 * @property {number} cliBytes
 * @property {Omit<import('./peer-sdks.js').Peer, 'command'>[]} peers
 * @property {{ title: string, reason: string }[]} missing
 * @property {Record<string, TransferResults>} outcomes - by operation
 * @property {Awaited<ReturnType<typeof sha256Speeds>>} [sha256]
 * @property {Awaited<ReturnType<typeof measureSmall>>} [small]
 * @property {Awaited<ReturnType<typeof measureRanges>>} [ranges]
 * @property {Awaited<ReturnType<typeof measureSealed>>} [sealed]
 * @property {Awaited<ReturnType<typeof measureMemory>>} [memory]
 * @property {Awaited<ReturnType<typeof measureEventLoop>>} [eventLoop]
 * @property {Awaited<ReturnType<typeof measureCrc64>>} [crc64]
 * @property {Awaited<ReturnType<typeof measureCli>>} [cli]
 * @property {Awaited<ReturnType<typeof measureCliFiles>>} [cliFiles]
 */

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: Object.keys(LANGUAGES) },
      operation: { type: 'string', multiple: true, default: MEASURED },
      baseline: { type: 'string' },
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
    ...operations.filter((name) => !MEASURED.includes(name)),
  ]
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}.`)
  if (process.platform !== 'linux') throw new Error('This reads /proc, which Linux alone has.')
  const baseline = values.baseline === undefined ? undefined : baselineDirectory(values.baseline)
  return { only, operations, baseline, rounds, quick, json }
}

/** pnpm runs this in the directory of the package, and says where it was called. */
function baselineDirectory(path) {
  const directory = resolve(process.env['INIT_CWD'] ?? '.', path)
  if (!existsSync(directory)) throw new Error(`--baseline: there is no ${directory}.`)
  return directory
}

async function measureTransfers(lab, peers, operation, rounds, sizeBytes) {
  const transfer = async (peer, transferOptions) => {
    const outcome = await peerTransfer(lab, peer, operation, sizeBytes, transferOptions)
    if (outcome.cannot !== undefined) throw new Error(`${operation} by ${peer.title}: ${outcome.cannot}`)
    return outcome.sample
  }
  // Not in the rounds: to keep the bytes takes the server longer than to drain them.
  if (!OPERATIONS[operation]) for (const peer of peers) await transfer(peer, { checked: true })
  return alternate(
    rounds,
    Object.fromEntries(peers.map((peer) => [peer.name, () => transfer(peer)])),
    (round, name, { seconds, cpuSeconds, peakRssMiB, sinkCpuSeconds }) => {
      const figures = `${seconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s, sink CPU ${sinkCpuSeconds.toFixed(2)} s`
      console.error(`${operation} ${round}: ${name}: ${figures}, peak RSS ${Math.round(peakRssMiB)} MiB`)
    },
  )
}

async function bench({ only, operations, baseline, rounds, quick, json }) {
  const sizes = quick ? SIZES.quick : SIZES.full
  const { transferBytes: sizeBytes, smallCount, cliBytes } = sizes
  const [loadBefore] = loadavg()
  const machine = describeMachine()
  const lab = await PeerLab.start()
  const { peers, missing } = await preparePeers(lab, only, baseline)
  const outcomes = {}
  for (const operation of Object.keys(OPERATIONS).filter((each) => operations.includes(each))) {
    const { able, cannot, checks } = await tryOut(lab, peers, operation)
    const samples = await measureTransfers(lab, able, operation, rounds, sizeBytes)
    outcomes[operation] = { samples, cannot, checks }
  }
  const asked = (name) => operations.includes(name)
  let sha256
  if (asked(WITHOUT_SHA_NI) && machine.cpuFeatures !== undefined) {
    sha256 = await sha256Speeds()
    const limited = peers
      .filter(({ name }) => [OURS, BASELINE].includes(name))
      .map((peer) => ({ ...peer, command: withoutShaNi(peer.command) }))
    const samples = await measureTransfers(lab, limited, 'upload', rounds, sizeBytes)
    outcomes[WITHOUT_SHA_NI] = { samples, cannot: {}, checks: {} }
  }
  const measured = (name, measure) => (asked(name) ? measure() : undefined)
  const small = await measured('small', () => measureSmall(lab, peers, { rounds, count: smallCount }))
  const ranges = await measured('ranges', () =>
    measureRanges(lab, { rounds, count: sizes.rangeCount, objectBytes: RANGE_OBJECT_BYTES }),
  )
  const sealed = await measured('sealed', () =>
    measureSealed(lab, peers, { rounds, sizeBytes, count: smallCount }),
  )
  const memory = await measured('memory', () =>
    measureMemory(lab, peers, { rounds, sizes: sizes.memoryBytes }),
  )
  const eventLoop = await measured('event-loop', () =>
    measureEventLoop(lab, peers, { rounds, sizeBytes, cycles: sizes.cycles }),
  )
  const crc64 = await measured('crc64', () => measureCrc64({ rounds, sizeBytes: sizes.checksumBytes }))
  const cli = await measured('cli', () => measureCli(lab.workspace, { rounds, baseline }))
  const cliFiles = await measured('cli-files', () =>
    measureCliFiles(lab, peers, { rounds, sizeBytes: cliBytes, baseline }),
  )
  await lab.stop()
  /** @type {PeerResults} */
  const results = {
    when: new Date().toISOString(),
    machine,
    loadBefore,
    rounds,
    sizeBytes,
    smallCount,
    cliBytes,
    peers: peers.map(({ command: _, ...peer }) => peer),
    missing,
    outcomes,
    sha256,
    small,
    ranges,
    sealed,
    memory,
    eventLoop,
    crc64,
    cli,
    cliFiles,
  }
  writeReport(json, results)
  const page = peerPage(results)
  console.log(page)
  console.error(`\nEvery sample: ${json}`)
  const complete =
    !quick &&
    rounds >= ROUNDS &&
    baseline !== undefined &&
    peers.length === Object.keys(LANGUAGES).length + 1 &&
    MEASURED.every(asked)
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
