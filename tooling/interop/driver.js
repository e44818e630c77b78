import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const REQUEST_TIMEOUT_MS = 120_000

/**
 * @typedef {{ ok: Record<string, unknown> } | { error: { type: string, message: string } } | { absent: string }} Answer
 */

/** One SDK in its own process. PROTOCOL.md says how it is spoken to. */
export class Driver {
  #command
  #options
  #settings
  #process
  #pending = new Map()
  #lastId = 0
  #stderr = ''

  /**
   * @param {string} name
   * @param {readonly string[]} command - the program and its arguments
   * @param {{ env?: Record<string, string> }} [options]
   */
  constructor(name, command, options = {}) {
    this.name = name
    this.#command = command
    this.#options = options
  }

  /**
   * @param {{ service: object, kms: object }} settings
   * @returns {Promise<Record<string, string>>} the versions of what it drives
   */
  async open(settings) {
    this.#settings = settings
    this.#start()
    const answer = await this.#send({ op: 'open', ...settings })
    if (answer.ok === undefined) throw new Error(`${this.name} cannot be opened: ${JSON.stringify(answer)}`)
    return answer.ok.versions
  }

  get pid() {
    return this.#process.pid
  }

  /**
   * Asks for one thing. A process that ends or hangs is an error of the SDK's, and the next request finds a new one.
   *
   * @param {{ op: string, [name: string]: unknown }} request
   * @returns {Promise<Answer>}
   */
  async ask(request) {
    if (this.#process === undefined) await this.open(this.#settings)
    return this.#send(request)
  }

  async close() {
    const child = this.#process
    if (child === undefined) return
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.stdin.end()
    await gone
  }

  #start() {
    const [program, ...args] = this.#command
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#options.env },
    })
    this.#process = child
    this.#stderr = ''
    child.stdin.on('error', () => {})
    child.stderr.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-4000)
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { id, ...answer } = JSON.parse(line)
      this.#pending.get(id)?.(answer)
      this.#pending.delete(id)
    })
    const ended = (reason) => {
      if (this.#process === child) this.#process = undefined
      for (const answer of this.#pending.values()) {
        answer({ error: { type: 'ProcessEnded', message: `${reason} ${this.#stderr}`.trim() } })
      }
      this.#pending.clear()
    }
    child.on('error', (error) => ended(error.message))
    child.on('close', (code, signal) => ended(`The process ended (${signal ?? `exit ${code}`}).`))
  }

  #send(request) {
    const id = ++this.#lastId
    const child = this.#process
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#pending.get(id)?.({
          error: { type: 'Timeout', message: `No answer in ${REQUEST_TIMEOUT_MS} ms.` },
        })
        this.#pending.delete(id)
        child.kill('SIGKILL')
      }, REQUEST_TIMEOUT_MS)
      this.#pending.set(id, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      child.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
    })
  }
}
