import { addToCounter, BLOCK_BYTES } from './ctr-counter.ts'

/** A running AES-256-CTR keystream. Encrypting and decrypting are the same operation. */
export interface AesCtrKeystream {
  /**
   * XORs the next bytes with the keystream. Call it for one chunk after the other, in order. It does not change the
   * input.
   */
  update(chunk: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** Forgets the key. */
  dispose(): void
}

/** An implementation of AES-256-CTR. CTR does not authenticate: anyone who alters the ciphertext alters the plaintext. */
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
 * Builds a keystream from an engine that can only process a run of bytes that starts at a block boundary. A chunk that
 * starts inside a block is padded in front with zeros, and the padding is dropped from the result.
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
