import { spawn } from 'node:child_process'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

const running = new Set()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A process of our own, under the same Node.js. It ends with this one at the latest. */
export class Child {
  #process
  #name
  #received = []
  #waiting = []
  #ended

  /**
   * How it ended.
   *
   * @type {Promise<{ code: number | null, signal: NodeJS.Signals | null }>}
   */
  ended

  /**
   * @param {URL} file
   * @param {readonly string[]} args
   * @param {{ prefix?: readonly string[], env?: NodeJS.ProcessEnv }} [options] - `prefix`: a command that runs another one
   */
  constructor(file, args = [], { prefix = [], env } = {}) {
    this.#name = basename(fileURLToPath(file))
    const [command, ...rest] = [...prefix, process.execPath, fileURLToPath(file), ...args]
    this.#process = spawn(command, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    running.add(this.#process)
    this.#process.on('message', (message) => {
      this.#received.push(message)
      this.#deliver()
    })
    this.#process.once('error', (error) => this.#end(error))
    this.ended = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => resolve({ code, signal }))
    })
    this.#process.once('exit', (code, signal) => {
      running.delete(this.#process)
      this.#end(new Error(`${this.#name} ended before it answered (${signal ?? `exit ${code}`}).`))
    })
  }

  /** The next message, in order. */
  receive() {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#deliver()
    })
  }

  send(message) {
    this.#process.send(message)
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#process.kill(signal)
  }

  /** Ends it, and waits until it is gone. */
  async stop() {
    if (this.#ended !== undefined) return
    this.#process.kill('SIGKILL')
    await this.ended
  }

  #end(error) {
    this.#ended ??= error
    this.#deliver()
  }

  #deliver() {
    while (this.#waiting.length > 0 && this.#received.length > 0) {
      this.#waiting.shift().resolve(this.#received.shift())
    }
    if (this.#ended !== undefined) for (const { reject } of this.#waiting.splice(0)) reject(this.#ended)
  }
}
