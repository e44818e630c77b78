import { writeKeyFiles } from '@oss-cse/interop/key-files.js'
import { startKmsEmulator } from '@oss-cse/kms-emulator'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { registerEncryptedObject } from './encrypted-object.js'
import { Sink } from './sink.js'
import { Workspace } from './workspace.js'

const ACCOUNT = { accessKeyId: 'bench', accessKeySecret: 'bench', region: 'cn-hangzhou' }
const KEY_BITS = [2048, 3072]

/**
 * @typedef {object} MasterKey
 * @property {string} privateKey - PEM
 * @property {object[]} forDrivers - as drivers take it
 */

/** What all SDKs share: the server, the master keys, the objects to read and the files to upload. */
export class PeerLab {
  #kms
  #objects = new Map()
  #digests = new Map()

  static async start() {
    const lab = new PeerLab()
    lab.workspace = new Workspace()
    lab.sink = await Sink.start()
    // Nothing is asked of it: drivers want to know where it is.
    lab.#kms = await startKmsEmulator({ ...ACCOUNT, tls: true })
    const https = `https://127.0.0.1:${lab.#kms.port}`
    lab.settings = {
      service: { ...ACCOUNT, endpoint: lab.sink.endpoint, bucket: 'bench' },
      kms: { ...ACCOUNT, http: https, https, caFile: lab.#kms.caFile },
    }
    /** @type {Record<number, MasterKey>} by size in bits */
    lab.masterKeys = {}
    for (const bits of KEY_BITS) {
      const { privateKey } = await generateRsaKeyPair({ bits })
      const files = writeKeyFiles(lab.workspace.directory, `master-${bits}`, privateKey)
      lab.masterKeys[bits] = { privateKey, forDrivers: [{ ...files, description: [] }] }
    }
    return lab
  }

  /**
   * An encrypted object of that size.
   *
   * @param {number} sizeBytes
   * @param {number} bits - of the master key
   * @returns {Promise<string>} its key
   */
  async encryptedObject(sizeBytes, bits) {
    const key = `encrypted-${bits}-${sizeBytes}`
    if (!this.#objects.has(key)) {
      const { sink } = this
      const object = { sink, privateKey: this.masterKeys[bits].privateKey, key, sizeBytes }
      this.#objects.set(key, registerEncryptedObject(object))
    }
    await this.#objects.get(key)
    return key
  }

  /**
   * What an SDK has to read of such an object, by its SHA-256.
   *
   * @param {string} key
   * @param {string} [privateKey] - of the SDKs that decrypt
   * @returns {Promise<string>}
   */
  expectedDigest(key, privateKey) {
    const name = `${key} ${privateKey !== undefined}`
    if (!this.#digests.has(name)) this.#digests.set(name, this.sink.digest({ key, privateKey }))
    return this.#digests.get(name)
  }

  async stop() {
    await this.#kms.close()
    await this.sink.stop()
  }
}
