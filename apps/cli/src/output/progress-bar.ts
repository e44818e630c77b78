import type { Progress, ProgressListener } from '@oss-cse/bucket'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { progressLine } from './progress-line.ts'
import type { ReportFlags } from './report.ts'
import { TransferRate } from './transfer-rate.ts'

/** What shows how far a transfer is. */
export interface TransferProgress {
  readonly listener: ProgressListener
  /** Prints a text on stderr, above the bar. */
  print(text: string): void
  /** Removes the bar. Call it before anything else is printed, and when the transfer failed. */
  stop(): void
}

/** A progress bar on stderr, where that is a terminal and nothing asks for silence. */
export async function startProgress(
  cli: CliEnvironment,
  flags: ReportFlags,
  label: string,
): Promise<TransferProgress> {
  const { stderr } = cli
  if (stderr.isTTY !== true || flags.quiet || flags.json || flags.progress === false) {
    return { listener: () => {}, print: (text) => void stderr.write(text), stop: () => {} }
  }
  // One bar of a set, as only a set can print above itself, and goes back by the line and not to a place that was
  // saved before the terminal scrolled.
  const { MultiBar } = await import('cli-progress')
  const rate = new TransferRate()
  let progress: Progress = { transferredBytes: 0 }
  const bars = new MultiBar({
    stream: stderr,
    format(_options, { maxWidth }) {
      const { transferredBytes, resumedBytes = 0 } = progress
      const bytesPerSecond = rate.sample(transferredBytes - resumedBytes, Date.now())
      // A character in the last column would already wrap on some terminals.
      return progressLine({ label, progress, bytesPerSecond, columns: maxWidth - 1 })
    },
    clearOnComplete: true,
    // The lines fit. Switched off, it would also cut what is printed above.
    linewrap: true,
    // Also where the text is the same: what was printed has taken its place.
    forceRedraw: true,
    // The command stops the bar itself when it is interrupted.
    gracefulExit: false,
  })
  bars.create(0, 0)
  bars.update()
  return {
    listener(latest) {
      progress = latest
    },
    print(text) {
      bars.log(text)
      bars.update()
    },
    stop: () => bars.stop(),
  }
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
