import { createCipheriv, createSecretKey } from 'node:crypto'
import type { AesCtrEngine } from './aes-ctr.ts'

export type { AesCtrEngine, AesCtrKeystream } from './aes-ctr.ts'

/** AES-256-CTR with `node:crypto`. The engine of Node.js. */
export const aesCtr: AesCtrEngine = {
  name: 'node',
  start(cek, counter) {
    // Node.js 24 needs three times as long to start with a key that is an array.
    const cipher = createCipheriv('aes-256-ctr', createSecretKey(cek), counter)
    return {
      update(chunk) {
        const { buffer, byteOffset, byteLength } = cipher.update(chunk)
        return new Uint8Array(buffer, byteOffset, byteLength)
      },
      dispose() {
        cipher.final()
      },
    }
  },
}
