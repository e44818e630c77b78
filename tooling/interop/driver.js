import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const REQUEST_TIMEOUT_MS = 120_000
const END_TIMEOUT_MS = 10_000

/** What the machine has set for its own programs, and what would change how an SDK behaves. */
const UNSET = [
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  'HTTP_PROXY',
  'http_proxy',
  'HTTPS_PROXY',
  'https_proxy',
]

const running = new Set()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * @typedef {{ ok: Record<string, unknown> } | { error: { type: string, message: string } } | { absent: string }} Answer
 */

/** One SDK in its own process. PROTOCOL.md says how it is spoken to. */
export class Driver {
  #command
  #timeoutMs
  #settings
  /** The process, and who waits for its answers. */
  #session

  /**
   * @param {string} name
   * @param {readonly string[]} command - the program and its arguments
   * @param {{ timeoutMs?: number }} [options] - `timeoutMs` of a request
   */
  constructor(name, command, { timeoutMs = REQUEST_TIMEOUT_MS } = {}) {
    this.name = name
    this.#command = command
    this.#timeoutMs = timeoutMs
  }

  /**
   * @param {{ service: object, kms: object }} settings
   * @returns {Promise<Record<string, string>>} the versions of what it drives
   */
  async open(settings) {
    this.#settings = settings
    this.#session = startSession(this.#command)
    const answer = await ask(this.#session, { op: 'open', ...settings }, this.#timeoutMs)
    if (answer.ok !== undefined) return answer.ok.versions
    await this.close()
    throw new Error(`The driver of ${this.name} cannot be opened: ${JSON.stringify(answer)}`)
  }

  get pid() {
    return this.#session.child.pid
  }

  /**
   * Asks for one thing. A process that ends or hangs is an error, and the next request finds a new one.
   *
   * @param {{ op: string, [name: string]: unknown }} request
   * @returns {Promise<Answer>}
   */
  async ask(request) {
    if (this.#session === undefined || this.#session.ended) await this.open(this.#settings)
    return ask(this.#session, request, this.#timeoutMs)
  }

  /** Ends the process, and waits until it is gone. The next request finds a new one. */
  async close() {
    const session = this.#session
    this.#session = undefined
    if (session === undefined || session.gone) return
    const gone = new Promise((resolve) => session.child.once('close', resolve))
    session.child.stdin.end()
    const timer = setTimeout(() => session.child.kill('SIGKILL'), END_TIMEOUT_MS)
    await gone
    clearTimeout(timer)
  }
}

function startSession([program, ...args]) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !UNSET.includes(name)))
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
  const session = { child, waiting: new Map(), lastId: 0, stderr: '', ended: false, gone: false }
  running.add(child)
  child.stdin.on('error', () => {})
  child.stderr.on('data', (chunk) => {
    session.stderr = (session.stderr + chunk).slice(-4000)
  })
  createInterface({ input: child.stdout }).on('line', (line) => take(session, line))
  const gone = (reason) => {
    session.gone = true
    running.delete(child)
    end(session, `${reason} ${session.stderr}`.trim())
  }
  child.on('error', (error) => gone(error.message))
  child.on('close', (code, signal) => gone(`The process ended (${signal ?? `exit ${code}`}).`))
  return session
}

function take(session, line) {
  try {
    const { id, ...answer } = JSON.parse(line)
    session.waiting.get(id)?.(answer)
    session.waiting.delete(id)
  } catch {
    end(session, `The driver wrote what is no answer: ${line.slice(0, 200)}`)
    session.child.kill('SIGKILL')
  }
}

function end(session, message) {
  session.ended = true
  for (const answer of session.waiting.values()) answer({ error: { type: 'DriverEnded', message } })
  session.waiting.clear()
}

function ask(session, request, timeoutMs) {
  const id = ++session.lastId
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      end(session, `No answer in ${timeoutMs} ms.`)
      session.child.kill('SIGKILL')
    }, timeoutMs)
    session.waiting.set(id, (answer) => {
      clearTimeout(timer)
      resolve(answer)
    })
    session.child.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
  })
}
