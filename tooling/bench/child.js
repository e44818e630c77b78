import { fork } from 'node:child_process'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

const running = new Set()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A process of this benchmark's own, under the same Node.js. It ends with this one at the latest. */
export class Child {
  #process
  #waiting = []
  #received = []
  #ended

  /**
   * @param {URL} file
   * @param {readonly string[]} args
   * @param {readonly string[]} nodeArgs
   */
  constructor(file, args = [], nodeArgs = []) {
    const path = fileURLToPath(file)
    this.#process = fork(path, args, { execArgv: nodeArgs, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    running.add(this.#process)
    this.#process.on('message', (message) => {
      this.#received.push(message)
      this.#deliver()
    })
    this.#process.on('exit', (code, signal) => {
      running.delete(this.#process)
      this.#ended = new Error(`${basename(path)} ended before it answered (${signal ?? `exit ${code}`}).`)
      this.#deliver()
    })
  }

  /** Sends a message. If the process has ended, `receive` says so. */
  send(message) {
    if (this.#process.connected) this.#process.send(message)
  }

  /** The next message, in order. */
  receive() {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#deliver()
    })
  }

  /** Ends it, and waits until it is gone. */
  async end() {
    if (this.#ended !== undefined) return
    const gone = new Promise((resolve) => this.#process.once('exit', resolve))
    if (this.#process.connected) this.#process.disconnect()
    await gone
  }

  /** Ends it at once, as a crash does. */
  kill() {
    this.#process.kill('SIGKILL')
  }

  #deliver() {
    while (this.#waiting.length > 0 && this.#received.length > 0) {
      const message = this.#received.shift()
      const { resolve, reject } = this.#waiting.shift()
      if (message.error === undefined) resolve(message)
      else reject(new Error(message.error))
    }
    if (this.#ended !== undefined) for (const { reject } of this.#waiting.splice(0)) reject(this.#ended)
  }
}
