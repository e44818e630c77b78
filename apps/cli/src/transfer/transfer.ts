import type {
  Checkpoint,
  CheckpointStore,
  CryptoBucket,
  LogEvent,
  Logger,
  Progress,
  ProgressListener,
} from '@oss-cse/bucket'
import { printable } from '@oss-cse/crypto-core'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { startProgress, type TransferProgress } from '../output/progress-bar.ts'
import { type ReportFlags, warningLine } from '../output/report.ts'
import { TransferFailure } from '../output/transfer-failure.ts'
import { stoppedInTime } from './stopped-in-time.ts'
import type { TransferFlags } from './transfer-options.ts'

/** How long an interrupted transfer may clear up, in milliseconds. */
const STOP_MS = 700
/** How long it may then wait for what it has left on the service to be undone, in milliseconds. */
const SETTLE_MS = 3_000

/** What a transfer is to work with. */
export interface TransferTools {
  readonly logger: Logger
  readonly onProgress: ProgressListener
  readonly checkpointStore: CheckpointStore | undefined
  readonly signal: AbortSignal
  /** To be told of the bucket that the transfer works on. */
  readonly opened: (bucket: Pick<CryptoBucket, 'settled'>) => void
}

/**
 * Runs one put or get: shows how far it is and what the bucket has to say, and stops it soon when it is interrupted.
 *
 * @param checkpointStore - where it leaves what it needs to go on
 * @throws TransferFailure when there is more to say than what went wrong: whether the same command goes on
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
    // The end of the process would leave an upload behind that the service has just begun.
    if (signal.aborted && bucket !== undefined) {
      await stoppedInTime(bucket.settled(), signal, SETTLE_MS).catch(() => {})
    }
    const hint = transfer.hint(label === 'put' ? 'sent' : 'fetched')
    throw hint === undefined ? error : new TransferFailure(error, hint)
  } finally {
    bar.stop()
  }
}

/** Follows a transfer, to know what its end leaves behind. */
class TransferWatch {
  readonly #cli: CliEnvironment
  readonly #flags: TransferFlags & ReportFlags
  readonly #bar: TransferProgress
  #progress: Progress = { transferredBytes: 0 }
  /** Whether a record is kept. */
  #kept = false
  /** Whether an earlier transfer's parts are still being looked at, and are not all counted. */
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

  /** The same store, whose records are followed. */
  watch(store: CheckpointStore): CheckpointStore {
    return { open: async (name) => this.#watchRecord(await store.open(name)) }
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
   * What becomes of a transfer that has just failed or was interrupted.
   *
   * @param done - what was done to its parts
   */
  hint(done: 'sent' | 'fetched'): string | undefined {
    const interrupted = this.#cli.signal.aborted
    const { partsDone = 0, partCount = 0 } = this.#progress
    if (this.#kept) {
      const again = 'Run the same command again to go on.'
      if (!this.#counting && partsDone > 0) return `Parts ${done}: ${partsDone} of ${partCount}. ${again}`
      return interrupted || this.#counting ? again : undefined
    }
    if (!interrupted || partCount === 0) return undefined
    if (!this.#resumable) return 'Nothing was kept: with a public key alone an upload cannot go on later.'
    if (this.#flags.resume === false) return 'Nothing was kept (--no-resume): the same command begins anew.'
    return undefined
  }
}
