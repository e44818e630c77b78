import { randomFillSync } from 'node:crypto'
import type { DemoStep } from '../demo-step.ts'
import { formatDuration, formatRate, formatSize } from '../format.ts'
import type { Stage } from '../stage.ts'
import { tableLines } from '../table.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE
/** Small objects have more rounds: one measurement of a short time says little. */
const RUNS: readonly (readonly [sizeBytes: number, rounds: number])[] = [
  [KIBIBYTE, 9],
  [64 * KIBIBYTE, 9],
  [MEBIBYTE, 9],
  [16 * MEBIBYTE, 3],
  [64 * MEBIBYTE, 1],
]

interface Round {
  readonly putMs: number
  readonly getMs: number
  readonly isUnchanged: boolean
}

/** Puts and gets objects of several sizes, from memory and to memory. */
export const measureThroughput: DemoStep = async ({ stage, screen, checks }) => {
  screen.note(
    'Median times to encrypt and upload (put), and to download and decrypt (get), in memory. The server runs in the same process, so these figures include no network.',
  )
  screen.blank()
  const data = randomFillSync(new Uint8Array(64 * MEBIBYTE))
  const rows: string[][] = []
  let areUnchanged = true
  for (const [sizeBytes, count] of RUNS) {
    const rounds: Round[] = []
    for (let round = 0; round < count; round += 1) {
      rounds.push(await putAndGet(stage, data.subarray(0, sizeBytes)))
    }
    areUnchanged &&= rounds.every(({ isUnchanged }) => isUnchanged)
    const putMs = median(rounds.map((round) => round.putMs))
    const getMs = median(rounds.map((round) => round.getMs))
    rows.push([
      formatSize(sizeBytes),
      formatDuration(putMs),
      formatRate(sizeBytes, putMs),
      formatDuration(getMs),
      formatRate(sizeBytes, getMs),
    ])
  }
  const [header = '', ...lines] = tableLines([['size', 'put', 'speed', 'get', 'speed'], ...rows])
  screen.line(screen.colours.bold(header))
  for (const line of lines) screen.line(line)
  screen.blank()
  checks.that(areUnchanged, 'All of them are unchanged after the download')
}

async function putAndGet({ bucket }: Stage, bytes: Uint8Array): Promise<Round> {
  const key = `speed/${bytes.length}`
  const started = performance.now()
  await bucket.put(key, bytes)
  const uploaded = performance.now()
  const { body } = await bucket.get(key)
  let received = 0
  let isUnchanged = true
  for await (const chunk of body) {
    isUnchanged &&= Buffer.compare(chunk, bytes.subarray(received, received + chunk.length)) === 0
    received += chunk.length
  }
  const downloaded = performance.now()
  return {
    putMs: uploaded - started,
    getMs: downloaded - uploaded,
    isUnchanged: isUnchanged && received === bytes.length,
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
