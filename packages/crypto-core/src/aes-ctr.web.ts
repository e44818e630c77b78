import { aesCtr as portable } from './aes-ctr.noble.ts'
import { type AesCtrEngine, keystreamFromRuns } from './aes-ctr.ts'

export type { AesCtrEngine, AesCtrKeystream } from './aes-ctr.ts'

/** AES-256-CTR by WebCrypto: the engine of browsers and workers; the portable one where WebCrypto is withheld. */
export const aesCtr: AesCtrEngine = {
  name: 'web',
  start(cek, counter) {
    // WebCrypto is there only in secure contexts.
    if (crypto.subtle === undefined) return portable.start(cek, counter)
    const key = crypto.subtle.importKey('raw', new Uint8Array(cek), 'AES-CTR', false, ['encrypt'])
    // A rejection reaches whoever awaits the first update; an unused keystream must not report it to nobody.
    key.catch(() => {})
    return keystreamFromRuns(
      counter,
      async (start, data) => {
        // The whole block counts, as every SDK does it; the type wants an ArrayBuffer, never a shared one.
        const algorithm = { name: 'AES-CTR', counter: start as Uint8Array<ArrayBuffer>, length: 128 }
        return new Uint8Array(
          await crypto.subtle.encrypt(algorithm, await key, data as Uint8Array<ArrayBuffer>),
        )
      },
      () => {},
    )
  },
}
