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
  const rate = new TransferRate()
  let progress: Progress = { transferredBytes: 0 }
  const line = await startStatusLine(cli, flags, (columns) => {
    const { transferredBytes, resumedBytes = 0 } = progress
    const bytesPerSecond = rate.sample(transferredBytes - resumedBytes, Date.now())
    return progressLine({ label, progress, bytesPerSecond, columns })
  })
  return {
    ...line,
    listener(latest) {
      progress = latest
    },
  }
}

/** A line on stderr that is drawn again and again. */
export type StatusLine = Pick<TransferProgress, 'print' | 'stop'>

/** Whether stderr is a terminal, and no option turns the progress off. */
export function showsProgress({ stderr }: CliEnvironment, flags: ReportFlags): boolean {
  return stderr.isTTY === true && !flags.quiet && !flags.json && flags.progress !== false
}

/**
 * Starts a line on stderr, if that is a terminal and no option turns it off.
 *
 * @param text - returns the text of the line, which must fit into the columns
 */
export async function startStatusLine(
  cli: CliEnvironment,
  flags: ReportFlags,
  text: (columns: number) => string,
): Promise<StatusLine> {
  const { stderr } = cli
  if (!showsProgress(cli, flags)) {
    return { print: (text) => void stderr.write(text), stop: () => {} }
  }
  // A set of one bar: only a set can print above itself, and it moves back by lines and not to a saved position, which is
  // wrong after the terminal has scrolled.
  const { MultiBar } = await import('cli-progress')
  const bars = new MultiBar({
    stream: stderr,
    // On some terminals, a character in the last column already wraps.
    format: (_options, { maxWidth }) => text(maxWidth - 1),
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
