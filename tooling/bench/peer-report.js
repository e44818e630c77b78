import { barChart } from './bar-chart.js'
import { OURS, peerRows, peerTargets } from './peer-rows.js'
import { PARALLEL, PART_BYTES } from './peer-transfer.js'

const MIB = 2 ** 20
/** A server that works nearly as long as the transfer takes is what is being measured. */
const BUSY = 0.9

const TITLES = {
  put: 'Put: a file in one PutObject',
  get: 'Get: an object in one GetObject, into a file',
  upload: `Resumable upload: ${PART_BYTES / MIB} MiB parts, ${PARALLEL} at a time, with a checkpoint`,
  download: `Resumable download: ${PART_BYTES / MIB} MiB parts, ${PARALLEL} at a time, with a checkpoint`,
}

const HEAD = [
  'SDK',
  'wall, s',
  '(rounds)',
  'MB/s',
  'CPU, s',
  'peak RSS, MiB',
  'checks CRC-64',
  'oss-cse beside it',
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
  const targets = peerTargets(results)
  return `${[
    '# Benchmarks',
    'Written by `pnpm bench:peers`, not by hand: oss-cse beside the SDKs that encrypt in the same format.',
    `![Throughput of each SDK in each operation](benchmarks.svg)`,
    '## What ran',
    list([
      `Measured on ${when.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}; load average before it ${loadBefore.toFixed(2)}.`,
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
      'The server is a process of its own on 127.0.0.1. It drains uploads and sends one block of memory again and again, under an RSA-2048 envelope that all of them decrypt. What they write to disk is removed each time. What they read must be the same bytes for all, each time: it is digested once the clock has stopped.',
      '*checks CRC-64* says who noticed, when tried, that the server named a wrong checksum: it costs time, and not all spend it.',
    ].join('\n\n'),
    ...Object.keys(results.outcomes).flatMap((operation) => [
      `## ${TITLES[operation]}`,
      table(operationLines(results, operation)),
      notes(results, operation),
    ]),
    targets.length > 0 && '## Targets',
    targets.length > 0 &&
      table([
        ['operation', 'against', 'target', 'reached', 'met'],
        ...targets.map(({ operation, title, atLeast, reached, met }) => [
          operation,
          title,
          `at least ${atLeast.toFixed(1)} x as fast`,
          times(reached),
          met ? 'yes' : '**no**',
        ]),
      ]),
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
    panels: Object.keys(outcomes).map((operation) => ({
      title: TITLES[operation].split(':', 1)[0],
      bars: peerRows(results, operation).map(({ name, title, megabytesPerSecond, fails }) => ({
        label: title,
        value: megabytesPerSecond,
        note: fails ? 'fails' : 'has no such call',
        highlighted: name === OURS,
      })),
    })),
  })
}

function operationLines(results, operation) {
  const lines = peerRows(results, operation).map((row) => {
    if (row.cannot !== undefined) return [row.title, 'cannot', ...Array(HEAD.length - 2).fill('')]
    return [
      row.name === OURS ? `**${row.title}**` : row.title,
      row.seconds.toFixed(2),
      row.range.map((value) => value.toFixed(2)).join(' to '),
      row.megabytesPerSecond.toFixed(0),
      row.cpuSeconds.toFixed(2),
      row.peakRssMiB.toFixed(0),
      row.verifies ? 'yes' : 'no',
      row.oursIsFaster === undefined ? '' : `${times(row.oursIsFaster)} as fast`,
    ]
  })
  return [HEAD, ...lines]
}

/** Why some cannot: one sentence each. */
function notes(results, operation) {
  const unable = peerRows(results, operation).filter(({ cannot }) => cannot !== undefined)
  return unable.length > 0 && list(unable.map(({ title, cannot }) => `${title} cannot: ${cannot}`))
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
    'The file to upload is in the page cache. A downloaded one is removed before the kernel writes it out; but a resumable download of oss-cse flushes it to disk and renames it, within the time measured.',
    'oss2 and Python V2 compute the CRC-64 in C only where that could be compiled when they were installed; the table above says whether it was.',
    'Warm means one byte each way: the first seconds of a virtual machine that compiles as it goes (Java, Node.js) are in the figures, as they are for a command that runs once.',
    "Peak RSS is with each runtime's defaults: a collector that is given much memory uses it.",
    'The Java V2 SDK has only parts of a client that encrypts, and is left out.',
    'Objects are not authenticated in this format, by any SDK: see THREAT_MODEL.md.',
  ]
}

const times = (ratio) => `${ratio.toFixed(1)} x`

const list = (lines) => lines.map((line) => `- ${line}`).join('\n')

function table([head, ...lines]) {
  const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n')
}
