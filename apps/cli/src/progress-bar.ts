import type { ProgressListener } from '@oss-cse/bucket'
import type { CliEnvironment } from './cli-environment.ts'
import { humanDuration, humanSize } from './human-size.ts'
import type { ReportFlags } from './report.ts'

/** What shows how far a transfer is. */
export interface TransferProgress {
  readonly listener: ProgressListener
  /** Removes the bar. Call it before anything else is printed, and when the transfer failed. */
  stop(): void
}

const BAR_WIDTH = 24
const SILENT: TransferProgress = { listener: () => {}, stop: () => {} }

/** A progress bar on stderr, where that is a terminal and nothing asks for silence. */
export async function startProgress(
  cli: CliEnvironment,
  flags: ReportFlags,
  label: string,
): Promise<TransferProgress> {
  if (cli.stderr.isTTY !== true || flags.quiet || flags.json || flags.progress === false) return SILENT
  const { SingleBar } = await import('cli-progress')
  const startedMs = Date.now()
  const bar = new SingleBar({
    stream: cli.stderr,
    format: (_options, { value, total }) =>
      progressLine({ label, value, total, elapsedSeconds: (Date.now() - startedMs) / 1000 }),
    clearOnComplete: true,
    hideCursor: true,
    // The command stops the bar itself when it is interrupted.
    gracefulExit: false,
  })
  bar.start(0, 0)
  return {
    listener({ transferredBytes, totalBytes }) {
      if (totalBytes !== undefined) bar.setTotal(totalBytes)
      bar.update(transferredBytes)
    },
    stop: () => bar.stop(),
  }
}

/** What a progress bar knows. */
export interface ProgressState {
  readonly label: string
  /** Bytes so far. */
  readonly value: number
  /** Bytes in all; 0 when that is not known. */
  readonly total: number
  readonly elapsedSeconds: number
}

/** The text of a progress bar: with its length known a bar, percent and the time that is left, else what has passed. */
export function progressLine({ label, value, total, elapsedSeconds }: ProgressState): string {
  const bytesPerSecond = elapsedSeconds > 0 ? value / elapsedSeconds : 0
  const rate = `${humanSize(Math.round(bytesPerSecond))}/s`
  if (total <= 0) return `${label}  ${humanSize(value)}  ${rate}`
  const share = Math.min(1, value / total)
  const filled = Math.round(share * BAR_WIDTH)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`
  const left = bytesPerSecond > 0 ? humanDuration(Math.max(0, total - value) / bytesPerSecond) : '-:--'
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  return `${label} ${bar}${percent}  ${humanSize(value)}/${humanSize(total)}  ${rate}  ETA ${left}`
}

/** Passes chunks on and reports how many bytes have passed. */
export async function* observed(
  chunks: AsyncIterable<Uint8Array>,
  listener: ProgressListener,
  totalBytes: number | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let transferredBytes = 0
  for await (const chunk of chunks) {
    yield chunk
    transferredBytes += chunk.length
    listener({ transferredBytes, ...(totalBytes !== undefined && { totalBytes }) })
  }
}
