import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('bin/oss-cse.js', import.meta.resolve('@oss-cse/cli/package.json')))
const running = new Set()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * One run of `oss-cse` in a process of its own, with nothing of this process's environment but the PATH. It ends with
 * this process at the latest.
 */
export class Command {
  /** @type {Promise<{ code: number | null, killed: boolean, stdout: string, stderr: string }>} */
  ended
  /** Resolves when the process has sent its first message to this one, or has ended. @type {Promise<unknown>} */
  reported
  #child

  /**
   * @param {readonly string[]} args
   * @param {{ env?: NodeJS.ProcessEnv, reports?: boolean }} options - reports: the process may send messages to this one
   */
  constructor(args, { env, reports = false } = {}) {
    this.#child = spawn(process.execPath, [SCRIPT, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(reports ? ['ipc'] : [])],
    })
    running.add(this.#child)
    this.#child.once('exit', () => running.delete(this.#child))
    this.ended = this.#collect()
    this.reported = Promise.race([once(this.#child, 'message'), this.ended])
  }

  /** `kill -9`. */
  kill() {
    this.#child.kill('SIGKILL')
    return this.ended
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child.kill(signal)
  }

  /** `kill -9` after a while, unless it ends before. */
  async killAfter(milliseconds) {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), milliseconds)
    const end = await this.ended
    clearTimeout(timer)
    return end
  }

  async #collect() {
    const texts = { stdout: '', stderr: '' }
    for (const name of Object.keys(texts)) {
      this.#child[name].setEncoding('utf8').on('data', (text) => {
        texts[name] += text
      })
    }
    const [code, signal] = await once(this.#child, 'close')
    return { code, killed: signal === 'SIGKILL', ...texts }
  }
}
