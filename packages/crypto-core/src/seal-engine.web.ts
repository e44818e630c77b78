import { wipe } from './bytes.ts'
import { sealEngine as portable } from './seal-engine.noble.ts'
import {
  mayBeSegment,
  prefixMessage,
  SEALED_KEY_BYTES,
  type SealEngine,
  saltMessage,
  sealedHeader,
  segmentNonce,
} from './seal-engine.ts'
import { TAG_BYTES } from './segment-plan.ts'

export type { SealEngine, SegmentCipher } from './seal-engine.ts'

/** Sealed objects with WebCrypto. The engine of browsers and workers. Without WebCrypto it uses the portable engine. */
export const sealEngine: SealEngine = {
  name: 'web',
  async start(contentKey, context) {
    // WebCrypto exists only in secure contexts.
    if (crypto.subtle === undefined) return portable.start(contentKey, context)
    const bound = new Uint8Array(context)
    const { header, key } = await derive(new Uint8Array(contentKey.cek), new Uint8Array(contentKey.iv), bound)
    const parameters = (index: number, last: boolean) => ({
      name: 'AES-GCM',
      iv: segmentNonce(header, index, last),
      tagLength: 8 * TAG_BYTES,
    })
    return {
      header,
      async seal(plaintext, index, last) {
        const bytes = plaintext as Uint8Array<ArrayBuffer>
        return new Uint8Array(await crypto.subtle.encrypt(parameters(index, last), key, bytes))
      },
      async open(sealed, index, last) {
        if (!mayBeSegment(sealed)) return undefined
        try {
          const bytes = sealed as Uint8Array<ArrayBuffer>
          return new Uint8Array(await crypto.subtle.decrypt(parameters(index, last), key, bytes))
        } catch (error) {
          // The name of a failed tag. Anything else is a fault of the runtime.
          if (error instanceof DOMException && error.name === 'OperationError') return undefined
          throw error
        }
      },
      dispose() {},
    }
  },
}

/** Wipes its copy of the content encryption key. */
async function derive(
  cek: Uint8Array<ArrayBuffer>,
  iv: Uint8Array<ArrayBuffer>,
  context: Uint8Array<ArrayBuffer>,
): Promise<{ readonly header: Uint8Array; readonly key: CryptoKey }> {
  const { subtle } = crypto
  const imported = Promise.all([
    subtle.importKey('raw', cek, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']),
    subtle.importKey('raw', cek, 'HKDF', false, ['deriveBits']),
  ])
  // WebCrypto has copied it.
  wipe(cek)
  const [hmacKey, hkdfKey] = await imported
  const [salt, prefixHmac] = await Promise.all([
    subtle.sign('HMAC', hmacKey, saltMessage(iv, context)),
    subtle.sign('HMAC', hmacKey, prefixMessage(iv, context)),
  ])
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt, info: context }
  const derived = new Uint8Array(await subtle.deriveBits(algorithm, hkdfKey, 8 * SEALED_KEY_BYTES))
  try {
    const key = await subtle.importKey('raw', derived, 'AES-GCM', false, ['encrypt', 'decrypt'])
    return { header: sealedHeader(new Uint8Array(salt), new Uint8Array(prefixHmac)), key }
  } finally {
    wipe(derived)
  }
}
