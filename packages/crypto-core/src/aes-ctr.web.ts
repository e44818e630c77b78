import { type AesCtrEngine, type AesCtrKeystream, keystreamFromRuns } from './aes-ctr.ts'
import { wipe } from './bytes.ts'

export type { AesCtrEngine, AesCtrKeystream } from './aes-ctr.ts'

/** AES-256-CTR with WebCrypto. The engine of browsers and workers. Without WebCrypto it loads the portable engine. */
export const aesCtr: AesCtrEngine = {
  name: 'web',
  start(cek, counter) {
    // WebCrypto exists only in secure contexts.
    if (crypto.subtle === undefined) return portableKeystream(cek, counter)
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

/** Loaded only here: pages with WebCrypto do not need it. */
function portableKeystream(cek: Uint8Array, counter: Uint8Array): AesCtrKeystream {
  const key = Uint8Array.from(cek)
  const started = import('./portable-engines.ts')
    .then(({ aesCtr: portable }) => portable.start(key, counter))
    .finally(() => wipe(key))
  // The first update reports a rejection.
  started.catch(() => {})
  return {
    update: async (chunk) => (await started).update(chunk),
    // After the updates that already wait.
    dispose: () => void started.then((keystream) => keystream.dispose()).catch(() => {}),
  }
}
