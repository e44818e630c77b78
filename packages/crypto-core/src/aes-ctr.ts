import { addToCounter, BLOCK_BYTES } from './ctr-counter.ts'

/** A running AES-256-CTR keystream. Encrypting and decrypting are the same operation. */
export interface AesCtrKeystream {
  /** XORs the next bytes with the keystream. Calls follow one another in order; the input is not changed. */
  update(chunk: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** Forgets the key. */
  dispose(): void
}

/** One implementation of AES-256-CTR. CTR has no authentication: whoever alters ciphertext alters plaintext. */
export interface AesCtrEngine {
  readonly name: 'node' | 'web' | 'noble'
  /**
   * Starts a keystream.
   *
   * @param cek - 32 bytes
   * @param counter - the first counter block, 16 bytes
   */
  start(cek: Uint8Array, counter: Uint8Array): AesCtrKeystream
}

/**
 * Builds a keystream from an engine that can only process a run of bytes starting at a block boundary: a chunk
 * that starts inside a block is given that many leading zeros, which are dropped again.
 */
export function keystreamFromRuns(
  counter: Uint8Array,
  run: (counter: Uint8Array, data: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  dispose: () => void,
): AesCtrKeystream {
  let position = 0
  return {
    update(chunk) {
      const lead = position % BLOCK_BYTES
      const start = addToCounter(counter, (position - lead) / BLOCK_BYTES)
      position += chunk.length
      if (lead === 0) return run(start, chunk)
      const padded = new Uint8Array(lead + chunk.length)
      padded.set(chunk, lead)
      const result = run(start, padded)
      return result instanceof Promise ? result.then((bytes) => bytes.subarray(lead)) : result.subarray(lead)
    },
    dispose,
  }
}
