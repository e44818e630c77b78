import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Driver } from '@oss-cse/interop/driver.js'
import { MissingToolchain, sdkVersion, TOOLCHAINS } from '@oss-cse/interop/toolchains.js'
import { BASELINE, DROP_IN, LANGUAGES, PLAIN } from './peer-names.js'
import { describeRuntime } from './runtimes.js'

const execute = promisify(execFile)

const aliOssDriver = (url) => async () => [process.execPath, fileURLToPath(url)]

/** Those that have no driver in the interoperability lab. */
const ALI_OSS_TOOLCHAINS = [
  {
    name: DROP_IN,
    title: 'the drop-in',
    sdk: '@oss-cse/ali-oss',
    prepare: aliOssDriver(new URL('drop-in-driver.js', import.meta.url)),
  },
  {
    name: PLAIN,
    title: 'plain ali-oss',
    sdk: 'ali-oss',
    prepare: aliOssDriver(new URL('plain-driver.js', import.meta.url)),
  },
]

/**
 * @typedef {object} Peer - who can run here
 * @property {string} name
 * @property {string} title
 * @property {readonly string[]} command - of its driver
 * @property {boolean} encrypts
 * @property {string} packageName
 * @property {string} version
 * @property {string} runtime
 */

/**
 * Makes the environments of the SDKs, and has each say its version.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {readonly string[]} only - names of SDKs
 * @param {string} [baseline] - the directory of another checkout of this repository, built
 * @returns {Promise<{ peers: Peer[], missing: { title: string, reason: string }[] }>}
 */
export async function preparePeers(lab, only, baseline) {
  const peers = []
  const missing = []
  const toolchains = [...TOOLCHAINS, ...ALI_OSS_TOOLCHAINS].filter(({ name }) => only.includes(name))
  if (baseline !== undefined) toolchains.splice(1, 0, await baselineToolchain(baseline))
  for (const toolchain of toolchains) {
    const { name, title, sdk: packageName, prepare } = toolchain
    try {
      const command = await prepare()
      const driver = new Driver(title, command)
      const versions = await driver.open(lab.settings)
      await driver.close()
      peers.push({
        name,
        title,
        command,
        encrypts: name !== PLAIN,
        packageName,
        version: toolchain.version ?? sdkVersion(toolchain, versions),
        runtime: await describeRuntime(LANGUAGES[name] ?? 'node', command),
      })
    } catch (error) {
      if (!(error instanceof MissingToolchain)) throw error
      missing.push({ title, reason: error.message })
      console.error(`${title} is left out: ${error.message}`)
    }
  }
  return { peers, missing }
}

/** A checkout's own driver, with the packages that were built there. */
async function baselineToolchain(directory) {
  const driver = join(directory, 'tooling/interop/drivers/oss-cse/driver.js')
  for (const file of [driver, join(directory, 'packages/bucket/dist/index.js')]) {
    if (!existsSync(file)) throw new Error(`--baseline: there is no ${file}. Is that a checkout, and built?`)
  }
  const git = async (...args) => (await execute('git', ['-C', directory, ...args])).stdout.trim()
  const commit = await git('rev-parse', '--short', 'HEAD')
  const changed = (await git('status', '--porcelain')) !== ''
  return {
    name: BASELINE,
    title: 'the baseline',
    sdk: '@oss-cse/bucket',
    version: `commit ${commit}${changed ? ', changed' : ''}`,
    prepare: async () => [process.execPath, driver],
  }
}
