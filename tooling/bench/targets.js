import { BASELINE, CACHED, DROP_IN, PLAIN } from './peer-names.js'
import {
  cliBeside,
  cliCpu,
  cpuBeside,
  crcBeside,
  eventLoopLag,
  mebibytes,
  milliseconds,
  peakRss,
  rangeLatency,
  rssGrowth,
  sealedBeside,
  sealedMemory,
  seconds,
  smallBeside,
  speedBeside,
  times,
} from './target-figures.js'

/**
 * @typedef {object} TargetRow
 * @property {string} what
 * @property {string} target
 * @property {string} reached - or why there is nothing
 * @property {string} [aside]
 * @property {boolean} [met] - absent if it was not measured
 * @property {number} [missedBy] - the share of the target that is missing, or that there is too much
 */

/** The operations, as the rows name them. */
const NAMES = { put: 'put', get: 'get to a file', upload: 'upload in parts', download: 'download in parts' }

/** Least speeds, by the clock. */
const SPEEDS = [
  { operation: 'put', than: 'go-v2', atLeast: 1.5 },
  { operation: 'put', than: 'python-v1', atLeast: 2.5 },
  { operation: 'put', than: PLAIN, atLeast: 1.1 },
  { operation: 'get', than: 'go-v2', atLeast: 1.5 },
  { operation: 'get', than: 'python-v1', atLeast: 2.5 },
  { operation: 'get', than: PLAIN, atLeast: 1.3 },
  { operation: 'upload', than: 'go-v2', atLeast: 1.3 },
  { operation: 'upload', than: PLAIN, atLeast: 1.3 },
  { operation: 'download', than: 'go-v2', atLeast: 1.5 },
]
const TITLES = { 'go-v2': 'Go V2', 'python-v1': 'oss2', [PLAIN]: 'plain ali-oss' }

/** The calls of the drop-in, and the operations in which drivers make them. */
const DROP_IN_CALLS = [
  { call: 'get(name, file)', operation: 'get', atLeast: 1.2 },
  { call: 'put(name, file)', operation: 'put', atLeast: 1 },
  { call: 'multipartUpload', operation: 'upload', atLeast: 1.2 },
]

const MAX_PEAK_RSS_MIB = 150
/** What counts as flat: V8 alone varies by about as much. */
const FLAT_MIB = 16
const MAX_LAG_MS = 5

/** @type {readonly { what: string, atLeast?: number, atMost?: number, unit?: (value: number) => string,
 *   of?: string, figure: import('./target-figures.js').Finding }[]}
 *   `unit` of a figure that is no quotient; `of`: what it is a quotient of */
const TARGETS = [
  ...SPEEDS.map(({ operation, than, atLeast }) => ({
    what: NAMES[operation],
    of: `the speed of ${TITLES[than]}`,
    atLeast,
    figure: speedBeside(operation, than),
  })),
  ...DROP_IN_CALLS.map(({ call, operation, atLeast }) => ({
    what: `drop-in \`${call}\``,
    of: 'the speed of plain ali-oss',
    atLeast,
    figure: speedBeside(operation, PLAIN, { ours: DROP_IN }),
  })),
  ...Object.entries(NAMES).map(([operation, name]) => ({
    what: `${name}, CPU`,
    of: 'Go V2',
    atMost: 1,
    figure: cpuBeside(operation, 'go-v2', TITLES['go-v2']),
  })),
  { what: 'put, CPU', of: 'the baseline', atMost: 0.65, figure: cpuBeside('put', BASELINE, 'baseline') },
  {
    what: 'get to a file, CPU',
    of: 'the baseline',
    atMost: 0.65,
    figure: cpuBeside('get', BASELINE, 'baseline'),
  },
  {
    what: 'upload in parts without SHA-NI, CPU',
    of: 'the baseline',
    atMost: 0.5,
    figure: cpuBeside('upload-without-sha-ni', BASELINE, 'baseline'),
  },
  {
    what: 'CRC-64, chunks of 256 KiB',
    of: 'the speed of hash-wasm',
    atLeast: 3,
    figure: crcBeside('chunks of 256 KiB'),
  },
  {
    what: 'CRC-64, chunks of 1 KiB',
    of: 'the speed of hash-wasm',
    atLeast: 1,
    figure: crcBeside('chunks of 1 KiB'),
  },
  {
    what: '1 KiB put, RSA-2048',
    of: 'the speed of plain ali-oss',
    atLeast: 1,
    figure: smallBeside('put', 2048, PLAIN),
  },
  {
    what: '1 KiB get, RSA-2048',
    of: 'the speed of plain ali-oss',
    atLeast: 0.23,
    figure: smallBeside('get', 2048, PLAIN),
  },
  {
    what: '1 KiB get, the unwrapped key cached',
    of: 'the speed of plain ali-oss',
    atLeast: 1.2,
    figure: smallBeside('get', 2048, PLAIN, { ours: CACHED }),
  },
  ...[2048, 3072].map((bits) => ({
    what: `1 KiB get, RSA-${bits}`,
    of: 'the speed of Go V2',
    atLeast: 2,
    figure: smallBeside('get', bits, 'go-v2'),
  })),
  { what: '`oss-cse put` of 1 KiB, CPU', unit: seconds, atMost: 0.22, figure: cliCpu('put of 1 KiB') },
  { what: '`oss-cse get` of 1 KiB, CPU', unit: seconds, atMost: 0.2, figure: cliCpu('get of 1 KiB') },
  ...Object.entries(NAMES).flatMap(([operation, name]) =>
    [
      ['go-v2', 1.5],
      ['python-v1', 2.5],
    ].map(([than, atLeast]) => ({
      what: `\`oss-cse\` as a whole process, ${name}`,
      of: `the speed of ${TITLES[than]}`,
      atLeast,
      figure: cliBeside(operation, than),
    })),
  ),
  ...Object.entries(NAMES).flatMap(([operation, name]) => [
    {
      what: `${name}, peak RSS`,
      unit: mebibytes,
      atMost: MAX_PEAK_RSS_MIB,
      figure: peakRss(operation),
    },
    {
      what: `${name}, peak RSS: what the large object needs more`,
      unit: mebibytes,
      atMost: FLAT_MIB,
      figure: rssGrowth(operation),
    },
  ]),
  {
    what: "lag of a server's event loop during transfers, p99",
    unit: milliseconds,
    atMost: MAX_LAG_MS,
    figure: eventLoopLag,
  },
  {
    what: 'range of 1 KiB from an opened object, latency',
    of: 'a plain ranged get of ali-oss',
    atMost: 1.2,
    figure: rangeLatency,
  },
  ...Object.entries(NAMES).flatMap(([operation, name]) => [
    {
      what: `${name}, sealed`,
      of: 'the speed of AES-CTR',
      atLeast: 0.85,
      figure: sealedBeside('transfers', operation),
    },
    {
      what: `${name}, sealed, peak RSS: what it needs more`,
      unit: mebibytes,
      atMost: 8,
      figure: sealedMemory(operation),
    },
  ]),
  ...['put', 'get'].map((call) => ({
    what: `1 KiB ${call}, sealed`,
    of: 'the speed of AES-CTR',
    atLeast: 0.9,
    figure: sealedBeside('small', call),
  })),
]

/**
 * Holds what was measured against the targets.
 *
 * @param {import('./peers.js').PeerResults} results
 * @returns {TargetRow[]} all of them, also those that were not measured
 */
export function targetRows(results) {
  return TARGETS.map(({ what, of, atLeast, atMost, unit: format = times, figure }) => {
    const limit = atLeast ?? atMost
    const target = `at ${atLeast === undefined ? 'most' : 'least'} ${format(limit)}${of === undefined ? '' : ` ${of}`}`
    const found = figure(results)
    if (found?.value === undefined) {
      return { what, target, reached: `not measured${found === undefined ? '' : `: ${found.missing}`}` }
    }
    const { value, aside } = found
    const missedBy = atLeast === undefined ? value / limit - 1 : 1 - value / limit
    const met = missedBy <= 0
    return { what, target, reached: format(value), aside, met, ...(!met && { missedBy }) }
  })
}
