import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const DRIVERS = fileURLToPath(new URL('drivers/', import.meta.url))
const ENVIRONMENTS = fileURLToPath(new URL('environments/', import.meta.url))
const BUILD_TIMEOUT_MS = 900_000

const execute = promisify(execFile)

/** A program that the machine does not have. */
export class MissingToolchain extends Error {}

/** What the program said, on both its outputs. */
async function run(program, args, cwd) {
  try {
    const { stdout, stderr } = await execute(program, args, {
      cwd,
      maxBuffer: 2 ** 26,
      timeout: BUILD_TIMEOUT_MS,
    })
    return stdout + stderr
  } catch (error) {
    if (error.code === 'ENOENT') throw new MissingToolchain(`There is no ${program} on this machine.`)
    const output = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim()
    throw new Error(`${program} ${args.join(' ')} failed: ${output.slice(-1000) || error.message}`)
  }
}

/** What an environment is made from: it is made again when that changes. */
function fingerprint(toolchain, paths) {
  const hash = createHash('sha256').update(toolchain)
  const add = (path) => {
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) add(join(path, name))
    else hash.update(relative(DRIVERS, path)).update(readFileSync(path))
  }
  for (const path of paths) add(path)
  return hash.digest('hex')
}

/**
 * Makes an environment, unless it was made before from the same files with the same tools. It is made beside its
 * place: what is there is whole.
 */
async function environment(name, version, sources, make) {
  const directory = join(ENVIRONMENTS, name)
  const stamp = (place) => join(place, 'made-from')
  const now = fingerprint(await run(...version), sources)
  if (existsSync(stamp(directory)) && readFileSync(stamp(directory), 'utf8') === now) return directory
  const beside = `${directory}-${process.pid}`
  rmSync(beside, { recursive: true, force: true })
  mkdirSync(beside, { recursive: true })
  try {
    await make(beside)
    writeFileSync(stamp(beside), now)
    rmSync(directory, { recursive: true, force: true })
    renameSync(beside, directory)
  } finally {
    rmSync(beside, { recursive: true, force: true })
  }
  return directory
}

function python(name, driver, requirements) {
  const program = join(DRIVERS, driver, 'driver.py')
  const list = join(DRIVERS, driver, requirements)
  const version = ['python3', ['--version']]
  return async () => {
    const directory = await environment(name, version, [list], async (target) => {
      await run('python3', ['-m', 'venv', target])
      await run(join(target, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--requirement', list])
    })
    return [join(directory, 'bin/python'), program]
  }
}

function go(name) {
  const source = join(DRIVERS, name)
  return async () => {
    const directory = await environment(name, ['go', ['version']], [source], (target) =>
      run('go', ['build', '-o', join(target, 'driver'), '.'], source),
    )
    return [join(directory, 'driver')]
  }
}

/** @param {string} [sdk] - the one of several jars that lie in `sdk/` */
function java(name, sdk) {
  const source = join(DRIVERS, name)
  const sources = [join(source, 'pom.xml'), join(source, 'src')]
  return async () => {
    const directory = await environment(name, ['java', ['-version']], sources, (target) =>
      run('mvn', ['-q', '-B', '-Dstyle.color=never', `-DbuildDirectory=${target}`, 'package'], source),
    )
    const jars = [...(sdk === undefined ? [] : [join('sdk', sdk)]), join('lib', '*')]
    const classPath = ['classes', ...jars].map((path) => join(directory, path)).join(':')
    return ['java', '-cp', classPath, 'interop.Driver']
  }
}

/**
 * @typedef {object} Toolchain - an SDK or a library that a registry carries, and the way to its driver
 * @property {string} name
 * @property {string} title
 * @property {string} sdk - the SDK's package, as the driver names it
 * @property {string} [runtime] - what it runs on, where that matters to what it does
 * @property {boolean} [onlyKeyServices] - an old version: only its KMS and `LocalRsaProvider` are looked at
 * @property {boolean} [onlySealed] - no SDK, but what reads sealed objects, and may write them
 * @property {() => Promise<string[]>} prepare - makes the environment; the command of the driver. Rejects with a
 * MissingToolchain where the machine lacks what makes it
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
    runtime: 'Java 17',
    prepare: java('java-v1', 'aliyun-sdk-oss-3.18.5.jar'),
  },
  {
    name: 'java-v2',
    title: 'Java V2',
    sdk: 'alibabacloud-oss-v2',
    runtime: 'Java 17',
    prepare: java('java-v2'),
  },
  {
    // The last with KmsEncryptionMaterials: 3.18.5 has lost them.
    name: 'java-v1-3.18.4',
    title: 'Java V1 with KMS',
    sdk: 'aliyun-sdk-oss',
    runtime: 'Java 17',
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
  {
    name: 'tink-python',
    title: 'Tink, Python',
    sdk: 'tink',
    onlySealed: true,
    prepare: python('sealed-python', 'tink-python', '../sealed-python/requirements.txt'),
  },
  { name: 'tink-go', title: 'Tink, Go', sdk: 'tink-go', onlySealed: true, prepare: go('tink-go') },
  {
    name: 'tink-java',
    title: 'Tink, Java',
    sdk: 'tink',
    runtime: 'Java 17',
    onlySealed: true,
    prepare: java('tink-java'),
  },
  {
    name: 'sealed-python',
    title: 'Python, no Tink',
    sdk: 'cryptography',
    onlySealed: true,
    prepare: python('sealed-python', 'sealed-python', 'requirements.txt'),
  },
]

/**
 * @param {Toolchain} toolchain
 * @param {Record<string, string>} versions - as its driver names them
 * @returns {string} the SDK's; without what Go adds to one that is older than modules
 */
export function sdkVersion({ sdk }, versions) {
  return versions[sdk].replace('+incompatible', '')
}
