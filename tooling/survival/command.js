import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const COMMAND_LINE = new URL('bin/oss-cse.js', import.meta.resolve('@oss-cse/cli/package.json'))
const LIBRARY = new URL('library-command.js', import.meta.url)
const running = new Set()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * One run of a program in a process of its own, with nothing of this process's environment but the PATH. It ends with
 * this process at the latest.
 */
export class Command {
  /** @type {Promise<{ code: number | null, killed: boolean, stderr: string }>} */
  ended
  #child

  /**
   * One run of `oss-cse`.
   *
   * @param {readonly string[]} args
   * @param {{ env?: NodeJS.ProcessEnv }} options
   */
  static line(args, options) {
    return new Command(COMMAND_LINE, args, options)
  }

  /** One transfer by the library, which says what `oss-cse` would say: see library-command.js. */
  static library(job) {
    return new Command(LIBRARY, [JSON.stringify(job)])
  }

  /**
   * @param {URL} script
   * @param {readonly string[]} args
   * @param {{ env?: NodeJS.ProcessEnv }} [options]
   */
  constructor(script, args, { env } = {}) {
    this.#child = spawn(process.execPath, [fileURLToPath(script), ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    running.add(this.#child)
    this.#child.once('exit', () => running.delete(this.#child))
    this.ended = this.#collect()
  }

  /** `kill -9`. */
  kill() {
    this.#child.kill('SIGKILL')
    return this.ended
  }

  /** `kill -9` after a while, unless it ends before. */
  async killAfter(milliseconds) {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), milliseconds)
    const end = await this.ended
    clearTimeout(timer)
    return end
  }

  async #collect() {
    let stderr = ''
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    const [code, signal] = await once(this.#child, 'close')
    return { code, killed: signal === 'SIGKILL', stderr }
  }
}
