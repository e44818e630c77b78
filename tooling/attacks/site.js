import { CryptoBucket } from '@oss-cse/bucket'
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'
import { HostileProxy } from './hostile-proxy.js'

const BUCKET = 'demo'
const NO_WAIT = { maxAttempts: 3, minDelayMs: 1, maxDelayMs: 2 }
const { privateKey } = await generateRsaKeyPair({ bits: 2048 })

/** An emulator, a proxy before it, and one reader that accepts only sealed objects. */
export class Site {
  /** @type {HostileProxy} */
  proxy
  /** The bucket, through the proxy. */
  bucket
  #emulator

  /** @param {{ fileWorkers?: number }} options */
  static async open({ fileWorkers = 0 } = {}) {
    const site = new Site()
    site.#emulator = await startOssEmulator({ buckets: [BUCKET] })
    const { endpoint, region, accessKeyId, accessKeySecret } = site.#emulator
    site.proxy = await HostileProxy.start(Number(new URL(endpoint).port))
    const transport = new OssTransport({
      bucket: BUCKET,
      endpoint: site.proxy.endpoint,
      region,
      accessKeyId,
      accessKeySecret,
    })
    const provider = new RsaProvider({ privateKey })
    site.bucket = new CryptoBucket({ transport, provider, accept: 'sealed', retry: NO_WAIT, fileWorkers })
    return site
  }

  /** What the service stores of an object. */
  async stored(key) {
    const object = await this.#emulator.getStoredObject(BUCKET, key)
    if (object === undefined) throw new Error(`${key} is not stored.`)
    return object
  }

  /** Stores anything in the place of an object, as anyone can who may write to the bucket. */
  async plant(key, { bytes, headers }) {
    await this.#emulator.putStoredObject(BUCKET, key, { bytes, headers })
  }

  async close() {
    await this.proxy.close()
    await this.#emulator.close()
  }
}
