import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { EmbeddedQueueOptions, PostgresQueueOptions } from '../src/index.ts'

/** What a parent tells a worker process to do. */
export type WorkerOrder =
  | { readonly order: 'open'; readonly options: EmbeddedQueueOptions | PostgresQueueOptions }
  | { readonly order: 'take'; readonly runId: string }
  | { readonly order: 'complete' }

/** What a worker process tells its parent. */
export type WorkerReport =
  | { readonly report: 'open' | 'completed' | 'lease lost' }
  | { readonly report: 'taken'; readonly index: number | undefined }
  | { readonly report: 'failed'; readonly code: string | undefined }

/** A worker process. Disposing of it kills it. */
export class Worker implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #reports: WorkerReport[] = []

  private constructor(process: ChildProcess) {
    this.#process = process
    process.on('message', (report: WorkerReport) => this.#reports.push(report))
  }

  /** Starts a worker process, which opens a queue. */
  static async start(options: EmbeddedQueueOptions | PostgresQueueOptions): Promise<Worker> {
    const worker = new Worker(fork(new URL('./worker-process.ts', import.meta.url)))
    await worker.tell({ order: 'open', options })
    return worker
  }

  /** Gives an order, and returns the report that follows. */
  tell(order: WorkerOrder): Promise<WorkerReport> {
    this.#process.send(order)
    return this.report()
  }

  /** Returns the next report that was not returned before. */
  async report(): Promise<WorkerReport> {
    for (;;) {
      const report = this.#reports.shift()
      if (report !== undefined) return report
      await once(this.#process, 'message')
    }
  }

  /** Sends a signal: `SIGKILL`, `SIGSTOP` or `SIGCONT`. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#process
    if (exitCode !== null || signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }
}
