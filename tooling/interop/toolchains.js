import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const DRIVERS = fileURLToPath(new URL('drivers/', import.meta.url))
const ENVIRONMENTS = fileURLToPath(new URL('environments/', import.meta.url))

const execute = promisify(execFile)

async function run(program, args, cwd) {
  try {
    await execute(program, args, { cwd, maxBuffer: 2 ** 26 })
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`There is no ${program} on this machine.`)
    const output = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim()
    throw new Error(`${program} ${args.join(' ')} failed: ${output.slice(-1000) || error.message}`)
  }
}

/** What the environment was made from, so that it is made anew when that changes. */
function fingerprint(paths) {
  const hash = createHash('sha256')
  const add = (path) => {
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) add(join(path, name))
    else hash.update(path).update(readFileSync(path))
  }
  for (const path of paths) add(path)
  return hash.digest('hex')
}

/** Makes an environment, unless it was made before from the same files. */
async function environment(name, sources, make) {
  const directory = join(ENVIRONMENTS, name)
  const stamp = join(directory, 'made-from')
  const now = fingerprint(sources)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return directory
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  await make(directory)
  writeFileSync(stamp, now)
  return directory
}

function python(name, driver, requirements) {
  const program = join(DRIVERS, driver, 'driver.py')
  const list = join(DRIVERS, driver, requirements)
  return async () => {
    const directory = await environment(name, [list], async (target) => {
      await run('python3', ['-m', 'venv', target])
      await run(join(target, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--requirement', list])
    })
    return [join(directory, 'bin/python'), program]
  }
}

function go(name) {
  const source = join(DRIVERS, name)
  return async () => {
    const directory = await environment(name, [source], (target) =>
      run('go', ['build', '-o', join(target, 'driver'), '.'], source),
    )
    return [join(directory, 'driver')]
  }
}

/** @param {string} [sdk] - the one of several jars that lie in `sdk/` */
function java(name, sdk) {
  const source = join(DRIVERS, name)
  return async () => {
    const directory = await environment(name, [join(source, 'pom.xml'), join(source, 'src')], (target) =>
      run('mvn', ['-q', '-B', '-Dstyle.color=never', `-DbuildDirectory=${target}`, 'package'], source),
    )
    const jars = [...(sdk === undefined ? [] : [join('sdk', sdk)]), join('lib', '*')]
    const classPath = ['classes', ...jars].map((path) => join(directory, path)).join(':')
    return ['java', '-cp', classPath, 'interop.Driver']
  }
}

/**
 * @typedef {object} Toolchain - an SDK that a registry carries, and the way to its driver
 * @property {string} name
 * @property {string} title
 * @property {string} sdk - the SDK's package, as the driver names it
 * @property {boolean} [onlyKeyServices] - an old version: only its KMS and `LocalRsaProvider` are looked at
 * @property {() => Promise<string[]>} prepare - makes the environment; the command of the driver
 */

/** @type {readonly Toolchain[]} */
export const TOOLCHAINS = [
  {
    name: 'oss-cse',
    title: 'oss-cse',
    sdk: '@oss-cse/bucket',
    prepare: async () => [process.execPath, join(DRIVERS, 'oss-cse', 'driver.js')],
  },
  {
    name: 'python-v1',
    title: 'Python oss2',
    sdk: 'oss2',
    prepare: python('python-v1', 'python-v1', 'requirements.txt'),
  },
  {
    name: 'python-v2',
    title: 'Python V2',
    sdk: 'alibabacloud-oss-v2',
    prepare: python('python-v2', 'python-v2', 'requirements.txt'),
  },
  { name: 'go-v1', title: 'Go V1', sdk: 'aliyun-oss-go-sdk', prepare: go('go-v1') },
  { name: 'go-v2', title: 'Go V2', sdk: 'alibabacloud-oss-go-sdk-v2', prepare: go('go-v2') },
  {
    name: 'java-v1',
    title: 'Java V1',
    sdk: 'aliyun-sdk-oss',
    prepare: java('java-v1', 'aliyun-sdk-oss-3.18.5.jar'),
  },
  { name: 'java-v2', title: 'Java V2', sdk: 'alibabacloud-oss-v2', prepare: java('java-v2') },
  {
    // The last with KmsEncryptionMaterials: 3.18.5 has lost them.
    name: 'java-v1-3.18.4',
    title: 'Java V1 with KMS',
    sdk: 'aliyun-sdk-oss',
    onlyKeyServices: true,
    prepare: java('java-v1', 'aliyun-sdk-oss-3.18.4.jar'),
  },
  {
    // The last that wrote the V1 format.
    name: 'python-v1-2.10',
    title: 'Python oss2, V1 format',
    sdk: 'oss2',
    onlyKeyServices: true,
    prepare: python('python-v1-2.10', 'python-v1', 'requirements-2.10.txt'),
  },
]
