import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { alternate } from './alternate.js'
import { Child } from './child.js'
import { cliEnvironment, cliPrograms } from './cli-program.js'
import { OURS } from './peer-names.js'
import { SMALL_BYTES } from './peer-small.js'
import { measureProcesses, runToEnd } from './whole-process.js'

/** Of commands that are measured together: the kernel counts their time in hundredths of a second. */
const REPEATS = 5

/**
 * Runs the command line, each time in a fresh process, against an emulator in another one.
 *
 * @param {import('./workspace.js').Workspace} workspace
 * @param {{ rounds: number, baseline?: string }} options - `baseline`: the directory of another checkout
 * @returns {Promise<Record<string, Record<string, import('./whole-process.js').ProcessSample[]>>>} by command, then by
 *   the name of the contender
 */
export async function measureCli(workspace, { rounds, baseline }) {
  const emulator = new Child(new URL('./emulator-process.js', import.meta.url))
  try {
    const service = await emulator.receive()
    const env = cliEnvironment(service)
    const programs = cliPrograms(baseline)
    const keys = workspace.path('cli-keys')
    await runToEnd([...programs[OURS], 'keygen', '--out', keys], { env })
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
      const repeated = (whole) => async () => {
        const sample = await measureProcesses(REPEATS, () => runToEnd(whole, { env }))
        await check?.()
        return sample
      }
      const contenders = Object.fromEntries(
        Object.entries(programs).map(([name, program]) => [name, repeated([...program, ...args])]),
      )
      if (command === '--version') contenders['node -e 0'] = repeated([process.execPath, '-e', '0'])
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
