import type { MessagePort } from 'node:worker_threads'
import type {
  FileCipherMessage,
  FileCipherQuestions,
  FileCipherRequest,
} from './file-cipher-messages.node.ts'
import { restored } from './portable-error.node.ts'

type Question = keyof FileCipherQuestions
type Answer<Asked extends Question> = Awaited<ReturnType<FileCipherQuestions[Asked]>>
type Argument<Asked extends Question> = Parameters<FileCipherQuestions[Asked]>[0]

/** What a job in the thread has of the thread that gave it: its signal, and answers to questions. */
export class JobChannel {
  readonly #id: number
  readonly #port: MessagePort
  readonly #controller = new AbortController()
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>()
  #lastQuestion = 0

  constructor(id: number, port: MessagePort) {
    this.#id = id
    this.#port = port
  }

  /** Aborts when the job shall end. Its reason stays with the other thread. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Asks, and waits for the answer. */
  async ask<Asked extends Question>(asks: Asked, argument: Argument<Asked>): Promise<Answer<Asked>> {
    this.signal.throwIfAborted()
    this.#lastQuestion += 1
    const question = this.#lastQuestion
    this.#post({ id: this.#id, asks, argument, question })
    return new Promise<Answer<Asked>>((resolve, reject) => {
      this.#waiting.set(question, { resolve: resolve as (value: unknown) => void, reject })
    })
  }

  /** Reports something, without waiting. */
  tell<Asked extends Question>(asks: Asked, argument: Argument<Asked>): void {
    this.#post({ id: this.#id, asks, argument })
  }

  /** Takes an answer. */
  answered({ question, value, error }: Extract<FileCipherRequest, { type: 'answer' }>): void {
    const waiting = this.#waiting.get(question)
    this.#waiting.delete(question)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(restored(error))
  }

  /** Ends the job early. */
  abort(): void {
    this.#controller.abort()
    for (const { reject } of this.#waiting.values()) reject(this.signal.reason)
    this.#waiting.clear()
  }

  #post(message: FileCipherMessage): void {
    this.#port.postMessage(message)
  }
}
