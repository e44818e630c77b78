import { writeKeyFiles } from '@oss-cse/interop/key-files.js'
import { startKmsEmulator } from '@oss-cse/kms-emulator'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { registerEncryptedObject } from './encrypted-object.js'
import { Sink } from './sink.js'
import { Workspace } from './workspace.js'

const ACCOUNT = { accessKeyId: 'bench', accessKeySecret: 'bench', region: 'cn-hangzhou' }

/** What all SDKs share: the server, one master key, the object to read and the file to upload. */
export class PeerLab {
  #kms
  #objects = new Map()
  #privateKey

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
    const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
    lab.#privateKey = privateKey
    lab.masterKeys = [{ ...writeKeyFiles(lab.workspace.directory, 'master', privateKey), description: [] }]
    return lab
  }

  /**
   * An encrypted object of that size.
   *
   * @param {number} sizeBytes
   * @returns {Promise<string>} its key
   */
  async encryptedObject(sizeBytes) {
    const key = `encrypted-${sizeBytes}`
    if (!this.#objects.has(key)) {
      const { sink } = this
      const object = { sink, privateKey: this.#privateKey, key, sizeBytes }
      this.#objects.set(key, registerEncryptedObject(object))
    }
    await this.#objects.get(key)
    return key
  }

  async stop() {
    await this.#kms.close()
    await this.sink.stop()
  }
}
