import { writeFileSync } from 'node:fs'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { registerEncryptedObject } from './encrypted-object.js'
import { Sink } from './sink.js'
import { Workspace } from './workspace.js'

const MIB = 2 ** 20

/** How much is transferred. */
export const SIZES = {
  full: {
    cipherBytes: 4096 * MIB,
    transferBytes: 512 * MIB,
    rssBytes: [512 * MIB, 4096 * MIB],
    rangeObjectBytes: 4096 * MIB,
    rangeCount: 100,
    smallCount: 300,
  },
  quick: {
    cipherBytes: 256 * MIB,
    transferBytes: 32 * MIB,
    rssBytes: [32 * MIB, 128 * MIB],
    rangeObjectBytes: 4096 * MIB,
    rangeCount: 30,
    smallCount: 50,
  },
}

/** What the scenarios share: the server, the files, one master key, and how much and how often. */
export class Context {
  #objects = new Map()

  /** @param {{ runs: number, sizes: typeof SIZES.full, nodeArgs: readonly string[] }} options */
  static async create({ runs, sizes, nodeArgs }) {
    const context = new Context()
    context.runs = runs
    context.sizes = sizes
    context.nodeArgs = nodeArgs
    context.workspace = new Workspace()
    const { privateKey } = await generateRsaKeyPair({ bits: 3072 })
    context.privateKey = privateKey
    context.privateKeyPath = context.workspace.path('master.pem')
    writeFileSync(context.privateKeyPath, privateKey, { mode: 0o600 })
    context.sink = await Sink.start()
    return context
  }

  /**
   * Registers an encrypted object with the server, once.
   *
   * @param {number} sizeBytes
   * @returns {Promise<string>} its key
   */
  async encryptedObject(sizeBytes) {
    const key = `encrypted-${sizeBytes}`
    if (!this.#objects.has(key)) {
      const { sink, privateKey } = this
      this.#objects.set(key, registerEncryptedObject({ sink, privateKey, key, sizeBytes }))
    }
    await this.#objects.get(key)
    return key
  }

  /** Says what was just measured, beside the report. */
  log(scenario) {
    return (round, name, sample) => {
      const { seconds, cpuSeconds, sinkCpuSeconds, peakRssMiB } = sample
      const figures = [
        `${seconds.toFixed(3)} s`,
        cpuSeconds !== undefined && `CPU ${cpuSeconds.toFixed(3)} s`,
        sinkCpuSeconds !== undefined && `sink CPU ${sinkCpuSeconds.toFixed(3)} s`,
        peakRssMiB !== undefined && `peak RSS ${Math.round(peakRssMiB)} MiB`,
      ]
      console.error(`${scenario} ${round}: ${name}: ${figures.filter(Boolean).join(', ')}`)
    }
  }

  async close() {
    await this.sink.stop()
  }
}
