import type { Progress, ProgressListener } from '@oss-cse/bucket'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { progressLine } from './progress-line.ts'
import type { ReportFlags } from './report.ts'
import { TransferRate } from './transfer-rate.ts'

/** Shows the progress of a transfer. */
export interface TransferProgress {
  readonly listener: ProgressListener
  /** Prints a text on stderr, above the bar. */
  print(text: string): void
  /** Removes the bar. Call it before other output, and after a failure. */
  stop(): void
}

/** Starts a progress bar on stderr, if that is a terminal and no option turns it off. */
export async function startProgress(
  cli: CliEnvironment,
  flags: ReportFlags,
  label: string,
): Promise<TransferProgress> {
  const { stderr } = cli
  if (stderr.isTTY !== true || flags.quiet || flags.json || flags.progress === false) {
    return { listener: () => {}, print: (text) => void stderr.write(text), stop: () => {} }
  }
  // A set of one bar: only a set can print above itself, and it moves back by lines and not to a saved position, which is
  // wrong after the terminal has scrolled.
  const { MultiBar } = await import('cli-progress')
  const rate = new TransferRate()
  let progress: Progress = { transferredBytes: 0 }
  const bars = new MultiBar({
    stream: stderr,
    format(_options, { maxWidth }) {
      const { transferredBytes, resumedBytes = 0 } = progress
      const bytesPerSecond = rate.sample(transferredBytes - resumedBytes, Date.now())
      // On some terminals, a character in the last column already wraps.
      return progressLine({ label, progress, bytesPerSecond, columns: maxWidth - 1 })
    },
    clearOnComplete: true,
    // The lines of the bar fit. Without wrapping, messages above the bar would be cut.
    linewrap: true,
    // Redraws an unchanged text too, because a message may have overwritten it.
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

/** Forwards chunks and reports how many bytes have passed. */
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
