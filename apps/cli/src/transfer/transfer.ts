import type {
  Checkpoint,
  CheckpointStore,
  CryptoBucket,
  LogEvent,
  Logger,
  Progress,
  ProgressListener,
} from '@oss-cse/bucket'
import { printable } from '@oss-cse/crypto-core/internal'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { startProgress, type TransferProgress } from '../output/progress-bar.ts'
import { type ReportFlags, warningLine } from '../output/report.ts'
import { TransferFailure } from '../output/transfer-failure.ts'
import { stoppedInTime } from './stopped-in-time.ts'
import type { TransferFlags } from './transfer-options.ts'

/** How long an interrupted transfer may take to clean up, in milliseconds. */
const STOP_MS = 700
/** How long it may then wait until its multipart upload is aborted on the service, in milliseconds. */
const SETTLE_MS = 3_000

/** What a transfer works with. */
export interface TransferTools {
  readonly logger: Logger
  readonly onProgress: ProgressListener
  readonly checkpointStore: CheckpointStore | undefined
  readonly signal: AbortSignal
  /** The transfer calls this with the bucket that it uses. */
  readonly opened: (bucket: Pick<CryptoBucket, 'settled'>) => void
}

/**
 * Runs one put or get. It shows the progress and the events of the bucket, and stops soon after an interrupt.
 *
 * @param checkpointStore - keeps what the transfer needs to resume
 * @throws TransferFailure when the message should also say whether the same command resumes
 */
export async function runTransfer<Result>(
  cli: CliEnvironment,
  flags: TransferFlags & ReportFlags,
  label: 'put' | 'get',
  checkpointStore: CheckpointStore | undefined,
  work: (tools: TransferTools) => Promise<Result>,
): Promise<Result> {
  const { signal } = cli
  const bar = await startProgress(cli, flags, label)
  const transfer = new TransferWatch(cli, flags, bar)
  const { logger, onProgress } = transfer
  let bucket: Pick<CryptoBucket, 'settled'> | undefined
  const opened: TransferTools['opened'] = (used) => {
    bucket = used
  }
  const tools = {
    logger,
    onProgress,
    checkpointStore: checkpointStore && transfer.watch(checkpointStore),
    signal,
    opened,
  }
  try {
    return await stoppedInTime(work(tools), signal, STOP_MS)
  } catch (error) {
    // Otherwise the end of the process would leave a multipart upload that has just been created on the service.
    if (signal.aborted && bucket !== undefined) {
      await stoppedInTime(bucket.settled(), signal, SETTLE_MS).catch(() => {})
    }
    const hint = transfer.hint(label === 'put' ? 'uploaded' : 'downloaded')
    throw hint === undefined ? error : new TransferFailure(error, hint)
  } finally {
    bar.stop()
  }
}

/** Follows a transfer, to know what a failure leaves behind. */
class TransferWatch {
  readonly #cli: CliEnvironment
  readonly #flags: TransferFlags & ReportFlags
  readonly #bar: TransferProgress
  #progress: Progress = { transferredBytes: 0 }
  /** Whether a checkpoint is kept. */
  #kept = false
  /** Whether the parts of an earlier run are still being verified, and not all counted. */
  #counting = false
  #resumable = true

  constructor(cli: CliEnvironment, flags: TransferFlags & ReportFlags, bar: TransferProgress) {
    this.#cli = cli
    this.#flags = flags
    this.#bar = bar
  }

  readonly onProgress: ProgressListener = (progress) => {
    this.#progress = progress
    this.#bar.listener(progress)
  }

  readonly logger: Logger = (event: LogEvent) => {
    if (event.type === 'retry') return
    this.#counting = false
    const { quiet, json } = this.#flags
    if (event.type !== 'resume') this.#bar.print(warningLine(this.#cli, event.message))
    else if (!quiet && !json) this.#bar.print(`${printable(event.message)}\n`)
    if (event.type === 'not-resumable') this.#resumable = false
  }

  /** Wraps a store to follow its checkpoints. */
  watch(store: CheckpointStore): CheckpointStore {
    return {
      open: async (name) => this.#watchRecord(await store.open(name)),
      has: async (name) => (await store.has?.(name)) ?? true,
    }
  }

  #watchRecord(record: Checkpoint): Checkpoint {
    return {
      load: async () => {
        const value = await record.load()
        this.#kept = this.#counting = value !== undefined
        return value
      },
      save: async (value) => {
        await record.save(value)
        this.#kept = true
      },
      remove: async () => {
        await record.remove()
        this.#kept = false
      },
      close: () => record.close(),
    }
  }

  /**
   * What the user can do after a failure or an interrupt.
   *
   * @param done - what happened to the parts
   */
  hint(done: 'uploaded' | 'downloaded'): string | undefined {
    const interrupted = this.#cli.signal.aborted
    const { partsDone = 0, partCount = 0 } = this.#progress
    if (this.#kept) {
      const again = 'Run the same command again to resume.'
      if (!this.#counting && partsDone > 0) return `Parts ${done}: ${partsDone} of ${partCount}. ${again}`
      return interrupted || this.#counting ? again : undefined
    }
    if (!interrupted || partCount === 0) return undefined
    if (!this.#resumable) return 'Nothing was kept, because an upload with only a public key cannot resume.'
    if (this.#flags.resume === false)
      return 'Nothing was kept (--no-resume). The same command restarts the transfer.'
    return undefined
  }
}
