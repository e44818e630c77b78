import { createCipheriv } from 'node:crypto'
import type { AesCtrEngine } from './aes-ctr.ts'

export type { AesCtrEngine, AesCtrKeystream } from './aes-ctr.ts'

/** AES-256-CTR with `node:crypto`. The engine of Node.js. */
export const aesCtr: AesCtrEngine = {
  name: 'node',
  start(cek, counter) {
    const cipher = createCipheriv('aes-256-ctr', cek, counter)
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
