import { CryptoBucket } from '@oss-cse/bucket'
import { OssTransport } from '@oss-cse/transport-oss'
import OSS from 'ali-oss'
import { BUCKETS, contentOf, KINDS } from './fleet-objects.js'

const LINK_TARGET = 'link-target'
/** Long enough for a server that fails often. */
const RETRY = { maxAttempts: 20, minDelayMs: 1, maxDelayMs: 50 }

/** Writes the objects of a fleet, and replaces and deletes them. @typedef {'plain' | 'old' | 'new' | 'delete'} Change */
export class FleetWriter {
  /** @type {OssTransport} */
  transport
  #client
  #buckets

  /**
   * @param {Record<string, string>} account
   * @param {ReturnType<import('./fleet-keys.js').fleetProviders>} providers
   */
  constructor(account, providers) {
    const { endpoint, region, accessKeyId, accessKeySecret, securityToken } = account
    this.transport = new OssTransport({ ...account, bucket: BUCKETS.objects })
    this.#client = new OSS({
      endpoint,
      region: `oss-${region}`,
      accessKeyId,
      accessKeySecret,
      stsToken: securityToken,
      // Without it, it warns.
      refreshSTSToken: () => ({ accessKeyId, accessKeySecret, stsToken: securityToken }),
      refreshSTSTokenInterval: 2 ** 31,
      bucket: BUCKETS.objects,
      sldEnable: true,
      authorizationV4: true,
    })
    const bucketOf = (provider, format) =>
      new CryptoBucket({ transport: this.transport, provider, format, retry: RETRY })
    this.#buckets = {
      'aes-ctr': { old: bucketOf(providers.old, 'aes-ctr'), new: bucketOf(providers.new, 'aes-ctr') },
      sealed: { old: bucketOf(providers.old, 'sealed'), new: bucketOf(providers.new, 'sealed') },
      v1: { v1: bucketOf(providers.v1, 'aes-ctr') },
    }
  }

  /** Stores what all links lead to. */
  async prepare() {
    await this.#client.put(LINK_TARGET, Buffer.from(contentOf(LINK_TARGET)))
  }

  /** Stores an object as its kind says. @param {import('./fleet-objects.js').FleetObject} object */
  async store({ key, kind, headers }) {
    const { content, key: keyName, store } = KINDS[kind]
    const bytes = contentOf(key)
    if (store === 'append') {
      await this.#client.append(key, Buffer.from(bytes))
    } else if (store === 'link') {
      await this.#client.putSymlink(key, LINK_TARGET)
    } else if (content === 'plain') {
      await this.#client.put(key, Buffer.from(bytes), { headers })
    } else {
      const archive = store === 'archive' && { 'x-oss-storage-class': 'Archive' }
      await this.#buckets[content][keyName].put(key, bytes, { headers: { ...headers, ...archive } })
    }
  }

  /**
   * Replaces an object, as somebody does who knows nothing of the fleet. Requests that fail are repeated.
   *
   * @param {string} key
   * @param {Change} change - what is written: nothing, plain content, or content under a key
   * @param {number} generation - see `contentOf`
   */
  async change(key, change, generation) {
    for (let left = RETRY.maxAttempts; ; left--) {
      try {
        await this.#changeOnce(key, change, generation)
        return
      } catch (error) {
        if (left === 0) throw error
      }
    }
  }

  async #changeOnce(key, change, generation) {
    if (change === 'delete') await this.#client.delete(key)
    else if (change === 'plain') await this.#client.put(key, Buffer.from(contentOf(key, generation)))
    else await this.#buckets['aes-ctr'][change].put(key, contentOf(key, generation))
  }
}
