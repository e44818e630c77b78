import { createWrappingProvider, type MasterKeyProvider } from '@oss-cse/crypto-core'

const IV_BYTES = 12

/** A master key that WebCrypto holds. */
export function aesProvider(key: CryptoKey): MasterKeyProvider {
  const algorithm = (iv: BufferSource, field: string) => ({
    name: 'AES-GCM',
    iv,
    additionalData: new TextEncoder().encode(field),
  })
  return createWrappingProvider({
    wrapAlgorithm: 'EXAMPLE/AES-GCM',
    async wrap(bytes, { field }) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
      const sealed = await crypto.subtle.encrypt(algorithm(iv, field), key, Uint8Array.from(bytes))
      return Uint8Array.from([...iv, ...new Uint8Array(sealed)])
    },
    async unwrap(wrapped, { field }) {
      const [iv, sealed] = [wrapped.slice(0, IV_BYTES), wrapped.slice(IV_BYTES)]
      return new Uint8Array(await crypto.subtle.decrypt(algorithm(iv, field), key, sealed))
    },
  })
}
