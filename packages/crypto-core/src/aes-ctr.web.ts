import { aesCtr as portable } from './aes-ctr.noble.ts'
import { type AesCtrEngine, keystreamFromRuns } from './aes-ctr.ts'

export type { AesCtrEngine, AesCtrKeystream } from './aes-ctr.ts'

/** AES-256-CTR with WebCrypto. The engine of browsers and workers. Without WebCrypto it uses the portable engine. */
export const aesCtr: AesCtrEngine = {
  name: 'web',
  start(cek, counter) {
    // WebCrypto exists only in secure contexts.
    if (crypto.subtle === undefined) return portable.start(cek, counter)
    const key = crypto.subtle.importKey('raw', new Uint8Array(cek), 'AES-CTR', false, ['encrypt'])
    // The first update reports a rejection. Without an update, it must not become an unhandled rejection.
    key.catch(() => {})
    return keystreamFromRuns(
      counter,
      async (start, data) => {
        // The whole block is the counter, as in every SDK. The type requires an ArrayBuffer that is not shared.
        const algorithm = { name: 'AES-CTR', counter: start as Uint8Array<ArrayBuffer>, length: 128 }
        return new Uint8Array(
          await crypto.subtle.encrypt(algorithm, await key, data as Uint8Array<ArrayBuffer>),
        )
      },
      () => {},
    )
  },
}
