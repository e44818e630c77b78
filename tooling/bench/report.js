import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { featureText } from './cpu-features.js'

const COLUMNS = ['what', 'baseline', 'ours', 'ratio', 'rounds', 'target', 'met?', 'sink busy']
/** A server that works as long as the transfer takes is what is being measured. */
const BUSY = 0.9

/**
 * The report as text.
 *
 * @param {{ machine: object, server: string, runs: number, results: readonly object[] }} report
 * @returns {string}
 */
export function formatReport({ machine, server, runs, results }) {
  const { cpu, cpuFeatures, cores, memoryGiB, system, node, openssl, aliOss } = machine
  const rows = results.flatMap((result) => result.rows ?? [])
  const failures = results.filter(({ error }) => error !== undefined)
  const busy = rows.some(({ sinkBusy }) => sinkBusy?.some((share) => share > BUSY))
  return [
    `machine  ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}`,
    `         ${featureText(cpuFeatures)}`,
    `runtime  Node.js ${node}, OpenSSL ${openssl}; baseline: ali-oss ${aliOss} unless it says otherwise`,
    `server   ${server}`,
    `figures  medians of ${runs} alternating runs (peak RSS: 3, the large object 1); rounds: the smallest and largest ratio of one`,
    '         sink busy: CPU seconds of the server for each second of the transfer, baseline / ours',
    '',
    ...table([COLUMNS, ...rows.map(cells)]),
    ...(busy
      ? ['', 'The server was busy nearly all the time in some of them: it, and not the client, set the pace.']
      : []),
    ...failures.map(({ name, error }) => `\nFAILED  ${name}: ${error.split('\n', 1)}`),
  ].join('\n')
}

/** Writes everything that was measured. */
export function writeReport(path, report) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
}

function cells({ what, unit, baseline, ours, ratio, rounds, target, met, sinkBusy }) {
  return [
    what,
    baseline === undefined ? '' : `${figure(baseline)} ${unit}`,
    `${figure(ours)} ${unit}`,
    ratio?.toFixed(2) ?? '',
    rounds?.map((value) => value.toFixed(2)).join('-') ?? '',
    target ?? '',
    met === undefined ? '' : met ? 'yes' : 'NO',
    sinkBusy?.map((share) => share.toFixed(2)).join(' / ') ?? '',
  ]
}

function figure(value) {
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
}

function table(lines) {
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
  return [text[0], widths.map((width) => '-'.repeat(width)).join('  '), ...text.slice(1)]
}
