import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { TICKS_PER_SECOND } from './process-usage.js'

/** What would change how Node.js starts, and how requests find the server. */
const UNSET = [
  'NODE_OPTIONS',
  'NODE_COMPILE_CACHE',
  'NODE_DISABLE_COMPILE_CACHE',
  'HTTP_PROXY',
  'http_proxy',
  'HTTPS_PROXY',
  'https_proxy',
]

/**
 * @typedef {object} ProcessSample - what one process takes, from its start to its end
 * @property {number} wallSeconds
 * @property {number} cpuSeconds - user and system, of the whole process
 */

/**
 * Runs a program to its end.
 *
 * @param {readonly string[]} command - the program and its arguments
 * @param {{ env?: Record<string, string>, input?: string }} [options] - `env`: variables beside those of this process;
 *   `input`: its standard input
 * @returns {Promise<string>} its standard output
 * @throws Error with what it said, if it failed
 */
export async function runToEnd([program, ...args], { env, input = '' } = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !UNSET.includes(name))
  const child = spawn(program, args, { env: { ...Object.fromEntries(inherited), ...env } })
  const said = { stdout: '', stderr: '' }
  for (const name of Object.keys(said)) {
    child[name].on('data', (chunk) => {
      said[name] += chunk
    })
  }
  // One that ends before it has read everything says why in another way.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${[program, ...args].slice(0, 3).join(' ')} failed: ${said.stderr}`)
  return said.stdout
}

/**
 * Measures processes that run one after the other. No other process of this one may end meanwhile.
 *
 * @param {number} count - of the processes that are measured together
 * @param {() => Promise<unknown>} run - starts one, and waits for its end
 * @returns {Promise<ProcessSample>} of one of them
 */
export async function measureProcesses(count, run) {
  const before = endedCpuSeconds()
  const began = performance.now()
  for (let done = 0; done < count; done++) await run()
  const wallSeconds = (performance.now() - began) / 1000 / count
  return { wallSeconds, cpuSeconds: (endedCpuSeconds() - before) / count }
}

/** User and system time of all processes that this one started, and that have ended. */
function endedCpuSeconds() {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = fields.slice(13, 15).map(Number)
  return (user + system) / TICKS_PER_SECOND
}
