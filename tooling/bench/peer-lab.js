import { createPrivateKey, createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
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
    const { privateKeyPem } = await generateRsaKeyPair({ bits: 2048 })
    lab.#privateKeyPem = privateKeyPem
    lab.masterKeys = [lab.#writeKeyFiles()]
    return lab
  }

  #privateKeyPem

  /** Both halves in the forms that one SDK or another takes, as drivers are told of them. */
  #writeKeyFiles() {
    const privateKey = createPrivateKey(this.#privateKeyPem)
    const write = (name, key, type) => {
      const path = this.workspace.path(name)
      writeFileSync(path, key.export({ type, format: 'pem' }), { mode: 0o600 })
      writeFileSync(`${path}.pkcs1`, key.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
      return path
    }
    return {
      kind: 'rsa',
      privateKeyFile: write('private.pem', privateKey, 'pkcs8'),
      publicKeyFile: write('public.pem', createPublicKey(privateKey), 'spki'),
      description: [],
    }
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
      const object = { sink, privateKeyPem: this.#privateKeyPem, key, sizeBytes }
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
