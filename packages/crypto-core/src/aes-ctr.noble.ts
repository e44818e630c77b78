import { ctr } from '@noble/ciphers/aes.js'
import { type AesCtrEngine, keystreamFromRuns } from './aes-ctr.ts'
import { wipe } from './bytes.ts'

export type { AesCtrEngine, AesCtrKeystream } from './aes-ctr.ts'

/** AES-256-CTR in plain JavaScript. The engine of runtimes without the other two, and the reference of the tests. */
export const aesCtr: AesCtrEngine = {
  name: 'noble',
  start(cek, counter) {
    const key = Uint8Array.from(cek)
    return keystreamFromRuns(
      counter,
      (start, data) => ctr(key, start).encrypt(data),
      () => wipe(key),
    )
  },
}
