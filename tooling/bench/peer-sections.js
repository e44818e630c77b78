import { median } from './alternate.js'
import { sizeName } from './contenders.js'
import { table } from './markdown.js'
import { BASELINE, CACHED, OURS } from './peer-names.js'
import { FORMATS } from './peer-sealed.js'
import { SMALL_PARALLEL, smallName } from './peer-small.js'

const titleOf = (peers, name) => peers.find((peer) => peer.name === name)?.title ?? name

export function smallSection({ small, smallCount, peers }) {
  if (small === undefined) return []
  const columns = SMALL_PARALLEL.flatMap((parallel) =>
    ['put', 'get'].map((call) => smallName(call, parallel)),
  )
  const lines = Object.entries(small).flatMap(([bits, { samples, cannot }]) => [
    ...Object.entries(samples).map(([name, list]) => [
      name === OURS || name === CACHED ? `**${name}**` : titleOf(peers, name),
      bits,
      ...columns.map((column) => {
        const middle = (what) => median(list.map((sample) => sample[column][what])).toFixed(2)
        return `${middle('wallMs')} / ${middle('cpuMs')}`
      }),
    ]),
    ...Object.entries(cannot).map(([name, why]) => [
      titleOf(peers, name),
      bits,
      `not available: ${why}`,
      '',
      '',
      '',
    ]),
  ])
  return [
    '## Objects of 1 KiB',
    `Milliseconds for each call, wall / CPU of the client: ${smallCount} calls in one process, after a quarter as many that do not count. x1 is one at a time, x16 are 16 at once.`,
    table([['SDK', 'RSA, bits', ...columns], ...lines]),
  ]
}

export function crcSection({ crc64 }) {
  if (crc64 === undefined) return []
  const lines = Object.entries(crc64).map(([row, samples]) => {
    const [ours, other] = ['ours', 'hash-wasm'].map((who) =>
      median(samples[who].map(({ megabytesPerSecond }) => megabytesPerSecond)),
    )
    return [row, ours.toFixed(0), other.toFixed(0), `${(ours / other).toFixed(2)} x`]
  })
  return [
    '## CRC-64',
    'Megabytes for each second of CPU, in Node.js. Both must come to the same checksum. Of the messages, each has a checksum of its own: oss-cse makes a new one, hash-wasm starts its only one again.',
    table([['bytes come in', 'oss-cse', 'hash-wasm', 'oss-cse beside it'], ...lines]),
  ]
}

export function cliSection({ cli, peers }) {
  if (cli === undefined) return []
  const lines = Object.entries(cli).flatMap(([command, contenders]) =>
    Object.entries(contenders).map(([name, samples]) => {
      const cpu = samples.map(({ cpuSeconds }) => cpuSeconds)
      const wall = median(samples.map(({ wallSeconds }) => wallSeconds))
      return [
        name === OURS
          ? `**oss-cse ${command}**`
          : name === BASELINE
            ? `${command}, ${titleOf(peers, name)}`
            : name,
        wall.toFixed(3),
        median(cpu).toFixed(3),
        Math.min(...cpu).toFixed(3),
      ]
    }),
  )
  return [
    '## The command line',
    'Seconds for one command from its start to its end, CPU of the whole process, with the RSA-3072 key of `oss-cse keygen`, against the emulator in another process, which does not count. Each figure is of 5 commands one after the other, and each command ran before.',
    table([['command', 'wall, s', 'CPU, s', '(least)'], ...lines]),
  ]
}

export function cliFilesSection({ cliFiles, cliBytes, peers }) {
  if (cliFiles === undefined) return []
  const lines = Object.entries(cliFiles).flatMap(([operation, contenders]) => {
    const wallOf = (name) => median(contenders[name].map(({ wallSeconds }) => wallSeconds))
    return Object.entries(contenders).map(([name, samples]) => {
      const cpu = samples.map(({ cpuSeconds }) => cpuSeconds)
      return [
        operation,
        name === OURS ? '**oss-cse**' : titleOf(peers, name),
        wallOf(name).toFixed(2),
        median(cpu).toFixed(2),
        Math.min(...cpu).toFixed(2),
        name === OURS ? '' : `${(wallOf(name) / wallOf(OURS)).toFixed(1)} x as fast`,
      ]
    })
  })
  return [
    '## The command line with a file',
    `Seconds for one process from its start to its end, with a file of ${sizeName(cliBytes)}, against the server of the transfers: \`oss-cse\`, and the drivers of other SDKs, which get one request and end. Put is \`oss-cse put\` in one request (\`--multipart-threshold 1TiB --no-resume\`), get is \`oss-cse get --no-resume\`; upload and download have a \`--checkpoint-dir\`, and parts as above.`,
    table([['operation', 'process', 'wall, s', 'CPU, s', '(least)', 'oss-cse beside it'], ...lines]),
  ]
}

export function rangesSection({ ranges, peers }) {
  if (ranges === undefined) return []
  const lines = Object.entries(ranges).map(([name, samples]) => {
    const latencies = samples.map(({ latencyMs }) => latencyMs)
    return [
      name === OURS ? '**oss-cse**' : titleOf(peers, name),
      median(latencies).toFixed(3),
      `${Math.min(...latencies).toFixed(3)} to ${Math.max(...latencies).toFixed(3)}`,
      median(samples.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2),
    ]
  })
  return [
    '## Ranges of 1 KiB',
    'Milliseconds for one range, the median of a round, all over an object of 4 GiB, one at a time. oss-cse opens the object once (`openObject`) and reads from it; plain ali-oss makes a `get` with a `Range` header each time, and decrypts nothing. CPU is of the whole round. The last range of each round is compared with a decryption by `node:crypto`.',
    table([['SDK', 'latency, ms', '(rounds)', 'CPU, s'], ...lines]),
  ]
}

export function sealedSection({ sealed }) {
  if (sealed === undefined) return []
  const [official, other] = FORMATS
  const row = (what, samples, wall, cpu, unit) => {
    const of = (format, value) => median(samples[format].map(value))
    return [
      what,
      ...FORMATS.flatMap((format) => [of(format, wall).toFixed(unit), of(format, cpu).toFixed(unit)]),
      `${(of(official, wall) / of(other, wall)).toFixed(2)} x`,
      `${(of(official, cpu) / of(other, cpu)).toFixed(2)} x`,
      ...(samples[official][0].peakRssMiB === undefined
        ? ['', '']
        : FORMATS.map((format) => of(format, ({ peakRssMiB }) => peakRssMiB).toFixed(0))),
    ]
  }
  const transfers = Object.entries(sealed.transfers).map(([operation, samples]) =>
    row(
      operation,
      samples,
      (each) => each.seconds,
      (each) => each.cpuSeconds,
      2,
    ),
  )
  const small = Object.entries(sealed.small).map(([call, samples]) =>
    row(
      `${call} of 1 KiB, ms`,
      samples,
      (each) => each.wallMs,
      (each) => each.cpuMs,
      3,
    ),
  )
  return [
    '## Sealed objects',
    'The same file in both formats, in turns, of oss-cse alone; seconds, and milliseconds for each call with 1 KiB. What is read was put by oss-cse, and the server keeps it in memory. Speed is that of sealed objects beside the official format.',
    table([
      [
        'operation',
        'AES-CTR, wall',
        'CPU',
        'sealed, wall',
        'CPU',
        'speed',
        'by CPU',
        'peak RSS, MiB: AES-CTR',
        'sealed',
      ],
      ...transfers,
      ...small,
    ]),
  ]
}

export function memorySection({ memory }) {
  if (memory === undefined) return []
  const lines = Object.entries(memory.peaks).map(([operation, peaks]) => [
    operation,
    ...peaks.map((list) => median(list).toFixed(0)),
    (median(peaks[1]) - median(peaks[0])).toFixed(0),
  ])
  return [
    '## Memory',
    'The most resident memory that a process of oss-cse ever had, in MiB: the median of some processes with the small size, and one with the large size. The large file to upload has no content but zeros; what is downloaded is compared as above.',
    table([['operation', ...memory.sizes.map(sizeName), 'the large object needs more'], ...lines]),
  ]
}

export function eventLoopSection({ eventLoop, sizeBytes, peers }) {
  if (eventLoop === undefined) return []
  const lines = Object.entries(eventLoop).map(([name, samples]) => {
    const middle = (value) => median(samples.map(value)).toFixed(1)
    return [
      name === OURS ? '**oss-cse**' : titleOf(peers, name),
      middle(({ lagP99Ms }) => lagP99Ms),
      middle(({ lagMaxMs }) => lagMaxMs),
      middle(({ latencyP99Ms }) => latencyP99Ms),
      middle(({ seconds }) => seconds),
    ]
  })
  return [
    '## A server that transfers files',
    `How long a server in Node.js keeps others waiting while it sends a file of ${sizeName(sizeBytes)} and fetches one, again and again, after it has done so once: oss-cse by \`uploadFile\` and \`downloadFile\` with their defaults, the drop-in and plain ali-oss by \`put(name, file)\` and \`get(name, file)\`. The lag is how long something waits for the event loop that becomes due at any moment. The requests are for two bytes, one every 5 ms, from another process. Both are for 99 of 100, in milliseconds, the medians of the rounds. A server that transfers nothing shows what the machine adds: client, server and the other end of the transfers share its cores.`,
    table([['SDK', 'lag, p99', 'lag, most', 'requests, p99', 'seconds that it took'], ...lines]),
  ]
}
