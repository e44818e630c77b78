import type { Progress } from '@oss-cse/bucket'
import { humanDuration, humanSize } from './human-size.ts'

const BAR_WIDTH = 24
const MIN_BAR_WIDTH = 8
/** A longer remaining time is not shown. It only means that the rate is close to 0. */
const MAX_LEFT_SECONDS = 100 * 3600

/** The state that a progress bar shows. */
export interface ProgressState {
  readonly label: string
  readonly progress: Progress
  readonly bytesPerSecond: number
  /** How many characters fit. */
  readonly columns: number
}

/**
 * Returns the text of a progress bar. If the length is known, it has a bar, percent and the remaining time. Otherwise it has
 * the bytes transferred. The text always fits: the bar becomes shorter, then the least important fields are left out.
 */
export function progressLine({ label, progress, bytesPerSecond, columns }: ProgressState): string {
  const { transferredBytes: done, totalBytes: total = 0, partsDone = 0, partCount = 0 } = progress
  const rate = `${humanSize(Math.round(bytesPerSecond))}/s`
  if (total <= 0) return firstFitting([[humanSize(done), rate], [humanSize(done)]], label, columns)
  const share = Math.min(1, done / total)
  const percent = `${Math.floor(share * 100)}%`
  const sizes = `${humanSize(done)}/${humanSize(total)}`
  const seconds = Math.max(0, total - done) / bytesPerSecond
  const left = remainingTime(seconds)
  const choices = [
    ...(partCount > 1 ? [[sizes, rate, left, `parts ${partsDone}/${partCount}`]] : []),
    [sizes, rate, left],
    [rate, left],
    [left],
  ]
  for (const fields of choices) {
    const text = [percent.padStart(5), ...fields].join('  ')
    const width = Math.min(BAR_WIDTH, columns - label.length - 1 - text.length)
    if (width >= MIN_BAR_WIDTH) return `${label} ${bar(share, width)}${text}`
  }
  return firstFitting([[percent, left], [percent]], label, columns)
}

/** Formats the time that is left. */
export function remainingTime(seconds: number): string {
  return `ETA ${seconds < MAX_LEFT_SECONDS ? humanDuration(seconds) : '-:--'}`
}

function bar(share: number, width: number): string {
  const filled = Math.round(share * width)
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`
}

/** Joins the first list of fields whose line fits. If none does, the last one is cut. */
export function firstFitting(
  choices: readonly (readonly string[])[],
  label: string,
  columns: number,
): string {
  const lines = choices.map((fields) => [label, ...fields].join('  '))
  return lines.find((line) => line.length <= columns) ?? (lines.at(-1) ?? '').slice(0, columns)
}
