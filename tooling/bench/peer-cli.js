import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alternate } from './alternate.js'
import { Child } from './child.js'
import { BASELINE, OURS } from './peer-names.js'
import { SMALL_BYTES } from './peer-small.js'
import { TICKS_PER_SECOND } from './process-usage.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Of commands that are measured together: the kernel counts their time in hundredths of a second. */
const REPEATS = 5

/** What would change how Node.js starts. */
const UNSET = ['NODE_OPTIONS', 'NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE']

/**
 * @typedef {object} CliSample - what one command takes, from its start to its end
 * @property {number} wallSeconds
 * @property {number} cpuSeconds - user and system, of the whole process
 */

/**
 * Runs the command line, each time in a fresh process, against an emulator in another one.
 *
 * @param {import('./workspace.js').Workspace} workspace
 * @param {{ rounds: number, baseline?: string }} options - `baseline`: the directory of another checkout
 * @returns {Promise<Record<string, Record<string, CliSample[]>>>} by command, then by the name of the contender
 */
export async function measureCli(workspace, { rounds, baseline }) {
  const emulator = new Child(new URL('./emulator-process.js', import.meta.url))
  try {
    const service = await emulator.receive()
    const env = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !UNSET.includes(name))),
      OSS_ENDPOINT: service.endpoint,
      OSS_REGION: service.region,
      OSS_ACCESS_KEY_ID: service.accessKeyId,
      OSS_ACCESS_KEY_SECRET: service.accessKeySecret,
    }
    const programs = { [OURS]: ROOT, ...(baseline !== undefined && { [BASELINE]: baseline }) }
    const program = (directory) => join(directory, 'apps/cli/bin/oss-cse.js')
    const keys = workspace.path('cli-keys')
    await run([program(ROOT), 'keygen', '--out', keys], env)
    const key = ['--rsa-private-key', join(keys, 'private_key.pem')]
    const source = await workspace.sourceFile(SMALL_BYTES)
    const target = workspace.path('cli-downloaded')
    const url = `oss://${service.bucket}/cli`

    const checkPut = async () => {
      const privateKey = await readFile(key[1], 'utf8')
      emulator.send({ key: 'cli', sourcePath: source, privateKey })
      const { wrong } = await emulator.receive()
      if (wrong !== undefined) throw new Error(`oss-cse put of 1 KiB: ${wrong}`)
    }
    const checkGet = async () => {
      const [sent, came] = [await readFile(source), await readFile(target)]
      if (!sent.equals(came)) throw new Error('oss-cse get of 1 KiB: other bytes came.')
    }
    const commands = {
      '--version': { args: ['--version'] },
      'put of 1 KiB': { args: ['put', source, url, ...key], check: checkPut },
      'get of 1 KiB': { args: ['get', url, target, '--force', ...key], check: checkGet },
    }
    const results = {}
    for (const [command, { args, check }] of Object.entries(commands)) {
      const contenders = Object.fromEntries(
        Object.entries(programs).map(([name, directory]) => [
          name,
          () => repeated([program(directory), ...args], env, check),
        ]),
      )
      if (command === '--version') contenders['node -e 0'] = () => repeated(['-e', '0'], env)
      // Uncounted: what is kept for the next run, such as compiled code, is there.
      await alternate(1, contenders)
      results[command] = await alternate(rounds, contenders, (round, name, { wallSeconds, cpuSeconds }) =>
        console.error(
          `cli, ${command} ${round}: ${name}: ${wallSeconds.toFixed(3)} s, CPU ${cpuSeconds.toFixed(3)} s`,
        ),
      )
    }
    return results
  } finally {
    await emulator.end()
  }
}

async function repeated(args, env, check) {
  const before = childrenCpuSeconds()
  const began = performance.now()
  for (let done = 0; done < REPEATS; done++) await run(args, env)
  const wallSeconds = (performance.now() - began) / 1000 / REPEATS
  const cpuSeconds = (childrenCpuSeconds() - before) / REPEATS
  await check?.()
  return { wallSeconds, cpuSeconds }
}

async function run(args, env) {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${args.slice(0, 2).join(' ')} failed: ${stderr}`)
}

/** User and system time of all processes that this one started, and that have ended. */
function childrenCpuSeconds() {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = fields.slice(13, 15).map(Number)
  return (user + system) / TICKS_PER_SECOND
}
