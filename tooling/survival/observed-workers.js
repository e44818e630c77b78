import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'

/** The jobs with which a thread moves bytes between a file and the service itself. */
const TRANSFER_JOBS = ['hold', 'send', 'put', 'fetch']

/** Knows the worker threads that this process starts from now on. */
export class ObservedWorkers {
  /** How many were started. */
  started = 0
  /** How many jobs of each kind they were given. */
  jobs = Object.fromEntries(TRANSFER_JOBS.map((type) => [type, 0]))
  #living = new Set()

  /**
   * @param {object} [options]
   * @param {(worker: import('node:worker_threads').Worker, number: number) => void} [options.onStart] - `number` counts
   * from 1
   * @param {(error: Error) => void} [options.onError] - gets what ended a thread that did not catch it
   */
  constructor({ onStart, onError } = {}) {
    const { Worker } = threads
    const observe = (worker) => this.#observe(worker, onStart, onError)
    threads.Worker = class extends Worker {
      constructor(...options) {
        super(...options)
        observe(this)
      }
    }
    // The packages import `Worker` by its name.
    syncBuiltinESMExports()
  }

  /** Ends all of them, and waits until they are gone: the packages keep idle ones for a while. */
  async end() {
    await Promise.all([...this.#living].map((worker) => worker.terminate()))
  }

  #observe(worker, onStart, onError) {
    this.started += 1
    this.#living.add(worker)
    once(worker, 'exit').then(
      () => this.#living.delete(worker),
      (error) => {
        this.#living.delete(worker)
        onError?.(error)
      },
    )
    const post = worker.postMessage.bind(worker)
    worker.postMessage = (message, ...rest) => {
      if (message.type in this.jobs) this.jobs[message.type] += 1
      post(message, ...rest)
    }
    onStart?.(worker, this.started)
  }
}
