import {
  type CallOptions,
  CseError,
  type CseErrorCode,
  callWithRetries,
  checkedRetryOptions,
} from '@oss-cse/crypto-core'
import {
  backgroundTimer,
  type LinkedAbort,
  linkedAbort,
  MAX_TIMER_MS,
  tell,
} from '@oss-cse/crypto-core/internal'
import { CircuitBreaker } from './circuit-breaker.ts'
import { inventoryPlanner } from './inventory/plan-from-inventory.ts'
import type { PlanProgress, RunStatus, ShardTotals, TakenShard } from './job-queue.ts'
import { isBucketMissing } from './objects/missing.ts'
import { planShards } from './plan-shards.ts'
import { isOver } from './run-rules.ts'
import type { ShardContext, WorkerOptions } from './worker-options.ts'

/**
 * Takes shards of a run and does them, until the run is over.
 *
 * - A shard whose lease is lost is stopped, and not completed. The shards of a cancelled run are stopped and released, and
 *   so are its shards when the signal aborts or the planner fails. The promise settles when all have stopped.
 * - When the queue is away, the worker finishes its shards and repeats their completion until the queue has stored it. It
 *   takes no further shards until then.
 * - When the circuit breaker trips, the run is paused. The shards that it has are released, so that they are done again from
 *   their start after the pause: their objects did not fail for good.
 * - When a shard rejects because a bucket does not exist (`NoSuchBucket`), the worker ends with that error. All its shards are
 *   released.
 *
 * Close the queue afterwards: it returns shards that could not be released.
 *
 * @returns the run as it is at the end: over, or paused with `whenPaused: 'return'`
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for invalid options and an unknown run; `ERR_CSE_QUEUE` if the queue is away
 * at the start; `ERR_CSE_NOT_FOUND` when a bucket does not exist; errors of the planner; the signal's reason
 *
 * @example
 * ```ts
 * await queue.createRun({ id: 'june', command: 'audit', settings: {} })
 * const status = await runWorker({
 *   queue,
 *   runId: 'june',
 *   plan: { catalog, prefix: 'invoices/' },
 *   doShard: async (shard, { signal }) => {
 *     let objects = 0
 *     for await (const { key } of shardObjects(shard, { catalog, prefix: 'invoices/', signal })) {
 *       await audit(key)
 *       objects += 1
 *     }
 *     return { objects }
 *   },
 * })
 * ```
 */
export async function runWorker(options: WorkerOptions): Promise<RunStatus> {
  const { parallel = 1, checkEveryMs = CHECK_EVERY_MS, queueRetry, queue, runId, signal } = options
  if (!Number.isInteger(parallel) || parallel < 1)
    throw invalid('parallel must be a whole number of at least 1')
  if (!Number.isInteger(checkEveryMs) || checkEveryMs < 1 || checkEveryMs > MAX_TIMER_MS) {
    throw invalid(`checkEveryMs must be a whole number from 1 to ${MAX_TIMER_MS}`)
  }
  const breaker = new CircuitBreaker(options.breaker)
  checkedRetryOptions(queueRetry)
  signal?.throwIfAborted()
  // An address or an id that is wrong from the start is reported at once.
  await queue.getRun(runId)
  return new ShardWorker(options, breaker).run(parallel, checkEveryMs)
}

const CHECK_EVERY_MS = 5000
const QUEUE_RETRY = { minDelayMs: 500, maxDelayMs: 30_000 }

class ShardWorker {
  readonly #options: WorkerOptions
  readonly #breaker: CircuitBreaker
  /** Stops the shards, the planner and all waits: the caller aborts, the run is cancelled, or something failed. */
  readonly #stop: LinkedAbort
  /** The shards that this worker has, by what stops each of them. */
  readonly #inHand = new Set<LinkedAbort>()
  #failure: { readonly error: unknown } | undefined
  #cancelled = false
  #pauseTold = false
  /** The pause that the circuit breaker asked for, until the queue has stored it. */
  #pausing: Promise<void> | undefined

  constructor(options: WorkerOptions, breaker: CircuitBreaker) {
    this.#options = options
    this.#breaker = breaker
    this.#stop = linkedAbort(options.signal)
  }

  async run(parallel: number, checkEveryMs: number): Promise<RunStatus> {
    const { queue, runId } = this.#options
    const background = linkedAbort(this.#stop.signal)
    const guarded = (work: Promise<void>): Promise<void> => work.catch((error) => this.#fail(error))
    const backgroundWork = [this.#watch(checkEveryMs, background.signal), this.#plan(background.signal)].map(
      (work) =>
        guarded(
          work.catch((error) => {
            if (!background.signal.aborted) throw error
          }),
        ),
    )
    try {
      await Promise.all(Array.from({ length: parallel }, () => guarded(this.#takeShards())))
      background.abort(new DOMException('The worker has ended.', 'AbortError'))
      await Promise.all(backgroundWork)
    } finally {
      background.unlink()
      this.#stop.unlink()
    }
    if (this.#failure !== undefined) throw this.#failure.error
    // Not the signal of the worker: that of a cancelled run has aborted.
    const { signal } = this.#options
    return this.#patiently(() => queue.getRun(runId), { signal })
  }

  /** Takes and does one shard after the other. */
  async #takeShards(): Promise<void> {
    const { queue, runId, whenPaused = 'wait', onEvent } = this.#options
    const { signal } = this.#stop
    for (;;) {
      await this.#pausing
      const taken = await this.#take()
      if (taken !== undefined) {
        await this.#work(taken)
        continue
      }
      const { reason, ...status } = await this.#patiently(() => queue.getRun(runId))
      if (isOver(status)) return
      if (status.state === 'paused') {
        if (!this.#pauseTold) tell(onEvent, { type: 'paused', reason })
        if (whenPaused === 'return') return
      }
      this.#pauseTold = status.state === 'paused'
      await this.#patiently(() => queue.wait(runId, { signal }))
    }
  }

  /** Never loses a shard that was taken while the worker was told to stop. */
  async #take(): Promise<TakenShard | undefined> {
    const { queue, runId } = this.#options
    const held: { shard?: TakenShard | undefined } = {}
    try {
      await this.#patiently(async () => {
        held.shard = await queue.take(runId)
      })
    } catch (error) {
      if (held.shard !== undefined) await this.#release(held.shard)
      throw error
    }
    return held.shard
  }

  async #work(taken: TakenShard): Promise<void> {
    const { doShard, onEvent } = this.#options
    const { shard, attempt, leaseLost } = taken
    const halt = linkedAbort(this.#stop.signal)
    const onLost = (): void => halt.abort(leaseLost.reason)
    if (leaseLost.aborted) onLost()
    else leaseLost.addEventListener('abort', onLost, { once: true })
    this.#inHand.add(halt)
    tell(onEvent, { type: 'shard-taken', shard, attempt })
    const record: ShardContext['record'] = (code) => {
      if (!halt.signal.aborted) this.#record(code)
    }
    let result: ShardTotals | undefined
    let failure: unknown
    try {
      result = await doShard(shard, { signal: halt.signal, attempt, record })
    } catch (error) {
      failure = error
    } finally {
      this.#inHand.delete(halt)
      leaseLost.removeEventListener('abort', onLost)
      halt.unlink()
    }
    if (leaseLost.aborted) tell(onEvent, { type: 'lease-lost', shard, attempt })
    else if (halt.signal.aborted) await this.#release(taken)
    else if (result !== undefined) await this.#complete(taken, result)
    else await this.#giveUp(taken, failure)
  }

  async #complete(taken: TakenShard, totals: ShardTotals): Promise<void> {
    const { onEvent } = this.#options
    const { shard, attempt } = taken
    try {
      await this.#patiently(async () => {
        await taken.complete(totals)
        tell(onEvent, { type: 'shard-completed', shard, attempt, totals })
      })
    } catch (error) {
      if (!isCode(error, 'ERR_CSE_LEASE_LOST')) throw error
      tell(onEvent, { type: 'lease-lost', shard, attempt })
    }
  }

  async #giveUp(taken: TakenShard, error: unknown): Promise<void> {
    const { shard, attempt } = taken
    // The other shards would fail too, each as often as the queue allows.
    if (isBucketMissing(error)) {
      await this.#release(taken)
      throw error
    }
    tell(this.#options.onEvent, { type: 'shard-failed', shard, attempt, error })
    // Without this, a machine that cannot do any shard would soon have failed them all.
    if (CseError.isInstance(error)) this.#record(error.code)
    await this.#patiently(() => taken.fail(error))
  }

  async #release(taken: TakenShard): Promise<void> {
    const { shard, attempt } = taken
    try {
      await this.#pausing
      await this.#patiently(() => taken.release())
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
      // Once only: a worker that stops does not wait for a queue that is away.
      await taken.release().catch((late) => {
        if (!isCode(late, 'ERR_CSE_QUEUE')) throw late
      })
    }
    tell(this.#options.onEvent, { type: 'shard-released', shard, attempt })
  }

  /** Records a result. Pauses the run if the circuit breaker trips. */
  #record(code: CseErrorCode | undefined): void {
    const { queue, runId } = this.#options
    const reason = this.#breaker.record(code)
    if (reason === undefined) return
    for (const halt of this.#inHand)
      halt.abort(new DOMException(`The run is paused. ${reason}`, 'AbortError'))
    if (this.#pausing !== undefined) return
    const pausing = this.#patiently(() => queue.pause(runId, reason)).catch((error) => this.#fail(error))
    this.#pausing = pausing.finally(() => {
      this.#pausing = undefined
    })
  }

  async #plan(signal: AbortSignal): Promise<void> {
    const { plan, queue, runId } = this.#options
    if (plan === undefined) return
    const run = { queue, runId, signal }
    const planner =
      'manifestKey' in plan
        ? inventoryPlanner({ ...plan, ...run })
        : (): Promise<PlanProgress> => planShards({ ...plan, ...run })
    await this.#patiently(planner, { signal })
  }

  /** Stops the worker when the run is cancelled. */
  async #watch(checkEveryMs: number, signal: AbortSignal): Promise<void> {
    const { queue, runId } = this.#options
    for (;;) {
      await pause(checkEveryMs, signal)
      const { state } = await this.#patiently(() => queue.getRun(runId), { signal })
      if (state !== 'cancelled') continue
      this.#cancelled = true
      this.#stop.abort(new DOMException('The run is cancelled.', 'AbortError'))
      return
    }
  }

  /** The first failure counts. What a stop causes later is none. */
  #fail(error: unknown): void {
    if (this.#cancelled || this.#failure !== undefined) return
    this.#failure = { error }
    this.#stop.abort(error)
  }

  /** Repeats a call for as long as the queue is away. */
  #patiently<Result>(call: () => Promise<Result>, { signal }: CallOptions = this.#stop): Promise<Result> {
    const { queueRetry = QUEUE_RETRY, onEvent } = this.#options
    return callWithRetries(call, {
      retry: { maxAttempts: Number.POSITIVE_INFINITY, ...queueRetry },
      signal,
      mayRetry: (error) => isCode(error, 'ERR_CSE_QUEUE'),
      onRetry: (error, attempt) => tell(onEvent, { type: 'queue-away', error, attempt }),
    })
  }
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const stop = backgroundTimer(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    const onAbort = (): void => {
      stop()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

function isCode(error: unknown, code: CseError['code']): boolean {
  return CseError.isInstance(error) && error.code === code
}

function invalid(what: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `${what}.`)
}
