import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { CryptoBucket } from '@oss-cse/bucket'
import { Keyring } from '@oss-cse/crypto-core'
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'
import { Command } from './command.js'
import { WireTap } from './wire-tap.js'
import { Workspace } from './workspace.js'

const BUCKET = 'demo'

/** An emulator, a tap before it, a master key, and a directory: what the command line needs for a transfer. */
export class Site {
  /** The bucket behind the tap's back: what is asked through it is not on record. */
  bucket
  transport
  keyring
  tap
  workspace = new Workspace()
  #emulator
  #partKiB
  #parallel

  /**
   * @param {object} options
   * @param {number} options.partKiB - the length of parts, and from which length on a file goes in parts
   * @param {number} [options.parallel]
   * @param {import('@oss-cse/oss-emulator').RandomFaults} [options.faults]
   */
  static async open({ partKiB, parallel = 3, faults }) {
    const site = new Site()
    try {
      await site.#start({ partKiB, parallel, faults })
    } catch (error) {
      await site.close()
      throw error
    }
    return site
  }

  async #start({ partKiB, parallel, faults }) {
    this.#partKiB = partKiB
    this.#parallel = parallel
    this.#emulator = await startOssEmulator({ buckets: [BUCKET], ...(faults && { faults }) })
    this.tap = await WireTap.start(this.#emulator.port)
    const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
    writeFileSync(this.#keyFile, privateKey, { mode: 0o600 })
    mkdirSync(this.checkpoints)
    const provider = new RsaProvider({ privateKey })
    this.keyring = new Keyring({ encrypting: provider })
    const { endpoint, region, accessKeyId, accessKeySecret } = this.#emulator
    this.transport = new OssTransport({ bucket: BUCKET, endpoint, region, accessKeyId, accessKeySecret })
    this.bucket = new CryptoBucket({ transport: this.transport, provider })
  }

  get partBytes() {
    return this.#partKiB * 1024
  }

  get parallel() {
    return this.#parallel
  }

  get checkpoints() {
    return this.workspace.path('checkpoints')
  }

  /** What a process of our own needs to transfer through the tap: see open-bucket.js. */
  get access() {
    const { region, accessKeyId, accessKeySecret } = this.#emulator
    const { endpoint } = this.tap
    return { endpoint, region, bucket: BUCKET, accessKeyId, accessKeySecret, keyFile: this.#keyFile }
  }

  /** Another tap before the same emulator: to the client, another service. */
  anotherTap() {
    return WireTap.start(this.#emulator.port)
  }

  /** Writes a file of random bytes. */
  randomFile(name, sizeBytes) {
    const bytes = randomBytes(sizeBytes)
    const path = this.workspace.path(name)
    writeFileSync(path, bytes)
    return { path, bytes }
  }

  put(path, key, options) {
    return this.#command(['put', path, `oss://${BUCKET}/${key}`], options)
  }

  get(key, path, options) {
    return this.#command(['get', `oss://${BUCKET}/${key}`, path], options)
  }

  /** The object as the service keeps it. */
  stored(key) {
    return this.#emulator.getStoredObject(BUCKET, key)
  }

  /** The ids of the uploads that were begun and neither completed nor aborted. */
  async pendingUploads(key) {
    const { uploads } = await this.transport.listUploads({ prefix: key })
    return uploads.map(({ uploadId }) => uploadId)
  }

  get #keyFile() {
    return this.workspace.path('key.pem')
  }

  async close() {
    await this.tap?.close()
    await this.#emulator?.close()
    this.workspace.close()
  }

  #command(words, { checkpoints = this.checkpoints, tap = this.tap } = {}) {
    const { region, accessKeyId, accessKeySecret } = this.#emulator
    const size = `${this.#partKiB}KiB`
    const options = {
      '--rsa-private-key': this.#keyFile,
      '--part-size': size,
      '--multipart-threshold': size,
      '--parallel': String(this.#parallel),
      '--checkpoint-dir': checkpoints,
    }
    return new Command([...words, ...Object.entries(options).flat(), '--no-progress'], {
      env: {
        OSS_ENDPOINT: tap.endpoint,
        OSS_REGION: region,
        OSS_ACCESS_KEY_ID: accessKeyId,
        OSS_ACCESS_KEY_SECRET: accessKeySecret,
      },
    })
  }
}
