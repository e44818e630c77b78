import { barChart } from './bar-chart.js'
import { featureText } from './cpu-features.js'
import { list, table } from './markdown.js'
import { BASELINE, OURS } from './peer-names.js'
import { peerRows } from './peer-rows.js'
import {
  cliFilesSection,
  cliSection,
  crcSection,
  eventLoopSection,
  memorySection,
  rangesSection,
  sealedSection,
  smallSection,
} from './peer-sections.js'
import { OPERATIONS, PARALLEL, PART_BYTES } from './peer-transfer.js'
import { targetRows } from './targets.js'

const MIB = 2 ** 20
/** A server that works nearly as long as the transfer takes is what is being measured. */
const BUSY = 0.9

const TITLES = {
  put: 'Put: a file in one PutObject',
  get: 'Get: an object into a file, by default',
  upload: `Resumable upload: ${PART_BYTES / MIB} MiB parts, ${PARALLEL} at a time, with a checkpoint`,
  download: `Resumable download: ${PART_BYTES / MIB} MiB parts, ${PARALLEL} at a time, with a checkpoint`,
  'upload-without-sha-ni': 'Resumable upload, as on a CPU without SHA-NI',
}

const HEAD = [
  'SDK',
  'wall, s',
  '(rounds)',
  'MB/s',
  'CPU, s',
  '(least)',
  'peak RSS, MiB',
  'oss-cse beside it',
  'by CPU',
]

/**
 * docs/BENCHMARKS.md.
 *
 * @param {import('./peers.js').PeerResults} results
 * @returns {string}
 */
export function peerPage(results) {
  const { peers, missing, machine, when, rounds, sizeBytes, loadBefore } = results
  const size = `${sizeBytes / MIB} MiB`
  return `${[
    '# Benchmarks',
    'Written by `pnpm bench:peers`, not by hand: oss-cse beside the SDKs that encrypt in the same format.',
    `![Throughput of each SDK in each operation](benchmarks.svg)`,
    '## What ran',
    list([
      `Measured on ${when.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}; load average before it ${loadBefore.toFixed(2)}.`,
      `The CPU: ${featureText(machine.cpuFeatures)}.`,
      `One file of ${size}; medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
    ]),
    table([
      ['SDK', 'package', 'version', 'runs on'],
      ...peers.map(({ title, packageName, version, runtime }) => [
        title,
        `\`${packageName}\``,
        version,
        runtime,
      ]),
    ]),
    missing.length > 0 && list(missing.map(({ title, reason }) => `${title} is left out: ${reason}`)),
    '## How it is measured',
    [
      "Each SDK is driven by the driver of the interoperability lab (`tooling/interop`), by its own calls and with its own defaults; ours is one of them. They transfer in turns, in alternating order, each time in a fresh process that has put and got one byte before. All figures are taken from outside, from the request to the driver's answer: wall time, user and system time of all its threads (`/proc/PID/stat`), and the most resident memory of its whole life (`VmHWM` in `/proc/PID/status`).",
      'The server is a process of its own on 127.0.0.1. It drains uploads and sends one block of memory again and again, under an RSA-2048 envelope that all of them decrypt. What they write to disk is removed each time, after its SHA-256 was compared with that of the decrypted object. Plain ali-oss, which decrypts nothing, must get the object as it is.',
      'What they send is compared too, byte for byte: before the rounds, each uploads the same file once more in the same way, and the server keeps the bytes. They must be what `node:crypto` makes of the file with the key and the counter block in the envelope of the object. This uses no code of oss-cse, and neither does the digest above. The 1 KiB objects are compared after each round. One wrong byte ends the benchmark, and there is no page.',
      'Put is one PutObject, by each of them. Get is what a program calls for a whole file: of oss-cse `downloadFile` with its defaults, which are several ranges at a time, verified, written to a temporary name, flushed to disk, and renamed; of ali-oss and the drop-in `get(name, file)`; of the others GetObject, whose stream is written to the file. The drop-in is `CryptoOSS` of `@oss-cse/ali-oss`, with the calls of plain ali-oss: `put(name, file)`, `get(name, file)` and `multipartUpload`.',
      `What each SDK checks costs time, and not all spend it: ${UNCHECKED} marks those that check nothing of what they read but its length. The columns of the checks say what happened when it was tried with 20 MiB: the server named a wrong CRC-64; the connection ended in the middle of an object; the file was looked at for bytes that were not on the disk yet; and, where the object is read in several requests, it was replaced by another one after the first.`,
    ].join('\n\n'),
    ...Object.keys(results.outcomes).flatMap((operation) => [
      `## ${TITLES[operation]}`,
      table(operationLines(results, operation)),
      notes(results, operation),
    ]),
    ...smallSection(results),
    ...rangesSection(results),
    ...sealedSection(results),
    ...memorySection(results),
    ...eventLoopSection(results),
    ...crcSection(results),
    ...cliSection(results),
    ...cliFilesSection(results),
    '## Targets',
    table([
      ['what', 'target', 'reached', 'beside it', 'met'],
      ...targetRows(results).map(({ what, target, reached, aside = '', met, missedBy }) => [
        what,
        target,
        reached,
        aside,
        met === undefined ? '' : met ? 'yes' : `**no**, by ${(missedBy * 100).toFixed(0)} %`,
      ]),
    ]),
    'Speeds are by the clock, those of 1 KiB the lower of clock and CPU, one call at a time; those of CRC-64 are by CPU.',
    '## What the figures do not say',
    list(limits(results)),
  ]
    .filter(Boolean)
    .join('\n\n')}\n`
}

/**
 * docs/benchmarks.svg.
 *
 * @param {import('./peers.js').PeerResults} results
 * @returns {string}
 */
export function peerChart(results) {
  const { machine, sizeBytes, rounds, outcomes } = results
  return barChart({
    title: 'Client-side encryption for OSS: throughput in MB/s, more is better',
    subtitle: `${sizeBytes / MIB} MiB, median of ${rounds}, ${machine.cpu} with ${machine.cores} cores, server on the same machine`,
    panels: Object.keys(OPERATIONS)
      .filter((operation) => operation in outcomes)
      .map((operation) => ({
        title: TITLES[operation].split(':', 1)[0],
        bars: peerRows(results, operation)
          .filter(({ name }) => name !== BASELINE)
          .map(({ name, title, megabytesPerSecond, fails }) => ({
            label: title,
            value: megabytesPerSecond,
            note: fails ? 'fails' : 'has no such call',
            highlighted: name === OURS,
          })),
      })),
  })
}

function operationLines(results, operation) {
  const checks = CHECKS[operation] ?? {}
  const lines = shownRows(results, operation).map((row) => {
    const title = checksNothing(row) ? `${row.title} ${UNCHECKED}` : row.title
    if (row.cannot !== undefined) {
      return [title, 'cannot', ...Array(HEAD.length + Object.keys(checks).length - 2).fill('')]
    }
    return [
      row.name === OURS ? `**${title}**` : title,
      row.seconds.toFixed(2),
      row.range.map((value) => value.toFixed(2)).join(' to '),
      row.megabytesPerSecond.toFixed(0),
      row.cpuSeconds.toFixed(2),
      row.leastCpuSeconds.toFixed(2),
      row.peakRssMiB.toFixed(0),
      row.oursIsFaster === undefined ? '' : `${times(row.oursIsFaster)} as fast`,
      row.oursIsCheaper === undefined ? '' : times(row.oursIsCheaper),
      ...Object.values(checks).map((name) => told(row.checks[name])),
    ]
  })
  return [[...HEAD, ...Object.keys(checks)], ...lines]
}

/** The columns of what was tried, and the names in the outcome of the trials. */
const CHECKS = {
  put: { 'checks CRC-64 of what it sent': 'crc64' },
  get: {
    'checks CRC-64 of what came': 'crc64',
    'notices a cut connection': 'cut',
    'file is on disk': 'flushes',
    'notices another object': 'replaced',
  },
}
CHECKS.upload = CHECKS.put
CHECKS.download = CHECKS.get

/** Marks an SDK that checks nothing in a row. */
const UNCHECKED = '†'

/** Of one that writes a file, by what the trials found. */
const checksNothing = ({ checks = {} }) =>
  checks.crc64 === false && checks.flushes === false && (checks.replaced ?? 'no') === 'no'

/** Only what happens between two requests is not tried where there is one. */
const told = (value) => ({ true: 'yes', false: 'no', undefined: 'one request' })[value] ?? value

/** Where two alone take part, the others have no line. */
function shownRows(results, operation) {
  return peerRows(results, operation).filter(({ seconds, cannot }) => (seconds ?? cannot) !== undefined)
}

/** What else has to be said of an operation: why some cannot, one sentence each. */
function notes(results, operation) {
  const unable = shownRows(results, operation).filter(({ cannot }) => cannot !== undefined)
  const lines = unable.map(({ title, cannot }) => `${title} cannot: ${cannot}`)
  if (shownRows(results, operation).some(checksNothing)) {
    lines.push(
      `${UNCHECKED} checks nothing of what comes but its length: it succeeded although the server named a wrong CRC-64, and did not wait for the disk. It receives and writes to the page cache (and decrypts, if it is not plain ali-oss), and its figures are those of that alone.`,
    )
  }
  if (operation === 'upload-without-sha-ni') {
    const { withShaNi, withoutShaNi } = results.sha256
    const speeds = `${withoutShaNi.toFixed(0)} MB/s in a second of CPU, and ${withShaNi.toFixed(0)} MB/s with all that the CPU has`
    lines.push(`OpenSSL was told that there is no SHA-NI. SHA-256 in Node.js then runs at ${speeds}.`)
  }
  return lines.length > 0 && list(lines)
}

function limits(results) {
  const busy = Object.keys(results.outcomes).flatMap((operation) =>
    peerRows(results, operation)
      .filter(({ sinkBusy }) => sinkBusy > BUSY)
      .map(({ title }) => `${operation} by ${title}`),
  )
  return [
    'No distance and no TLS: over a network, all of them mostly wait for it, and come out alike. These are the costs of the clients themselves.',
    `Client and server share one machine with ${results.machine.cores} cores; the kernel's work for the socket counts for both.`,
    busy.length === 0
      ? 'The server was waiting for the client most of the time, in every row.'
      : `The server was busy nearly all the time, and set the pace, in: ${busy.join(', ')}.`,
    'It checks no signature, and names no CRC-64 of what it drains, which would cost it more than the rest: the SDKs compute theirs all the same, and have nothing to compare it with.',
    'A baseline is another checkout of this repository, with its own driver and build: it says what has become of speed, on this machine and in this run. Its get is what its driver took for one, and may check less than ours.',
    'The file to upload is in the page cache. A downloaded one is removed before the kernel writes it out; but who has it on disk in the end did that within the time measured.',
    'oss2 and Python V2 compute the CRC-64 in C only where that could be compiled when they were installed; the table above says whether it was.',
    'Warm means one byte each way: the first seconds of a virtual machine that compiles as it goes (Java, Node.js) are in the figures, as they are for a command that runs once.',
    "Peak RSS is with each runtime's defaults: a collector that is given much memory uses it.",
    'The Java V2 SDK has only parts of a client that encrypts, and is left out.',
    'Objects are not authenticated in this format, by any SDK: see THREAT_MODEL.md.',
  ]
}

const times = (ratio) => `${ratio.toFixed(1)} x`
