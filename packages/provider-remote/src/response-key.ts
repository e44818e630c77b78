import { concatBytes } from '@oss-cse/crypto-core'

/** Supported by each runtime with WebCrypto. */
const CURVE: EcKeyGenParams = { name: 'ECDH', namedCurve: 'P-256' }
const SHARED_BITS = 256
const LABEL = new TextEncoder().encode('oss-cse key server v1\0')
/** A key encrypts one response. So its nonce may be a constant. */
const NONCE = new Uint8Array(12)

/** A key pair for one call. */
export interface EphemeralKey {
  /** The public half: 65 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly privateKey: CryptoKey
}

/** Makes a key pair for one call. The private half cannot be exported. */
export async function ephemeralKey(): Promise<EphemeralKey> {
  const pair = await crypto.subtle.generateKey(CURVE, false, ['deriveBits'])
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  return { publicKey, privateKey: pair.privateKey }
}

/**
 * Encrypts the results of a call. A proxy that ends TLS, and what it logs, then hold no content key. It does not authenticate the
 * key server: TLS does.
 *
 * @param callerKey - the public half of the caller's key
 * @throws if it is no point of the curve
 */
export async function encryptResults(
  results: Uint8Array<ArrayBuffer>,
  callerKey: Uint8Array<ArrayBuffer>,
): Promise<{ readonly publicKey: Uint8Array; readonly ciphertext: Uint8Array }> {
  const { publicKey, privateKey } = await ephemeralKey()
  const key = await agreedKey(privateKey, callerKey, concatBytes([LABEL, callerKey, publicKey]), 'encrypt')
  const ciphertext = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: NONCE }, key, results)
  return { publicKey, ciphertext: new Uint8Array(ciphertext) }
}

/**
 * Decrypts the results of a call.
 *
 * @throws if they were encrypted for another key, or altered
 */
export async function decryptResults(
  ciphertext: Uint8Array<ArrayBuffer>,
  serverKey: Uint8Array<ArrayBuffer>,
  own: EphemeralKey,
): Promise<Uint8Array> {
  const info = concatBytes([LABEL, own.publicKey, serverKey])
  const key = await agreedKey(own.privateKey, serverKey, info, 'decrypt')
  return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: NONCE }, key, ciphertext))
}

/** ECDH, HKDF-SHA256 with both public keys as its info, AES-256-GCM. */
async function agreedKey(
  privateKey: CryptoKey,
  otherKey: Uint8Array<ArrayBuffer>,
  info: Uint8Array,
  usage: 'encrypt' | 'decrypt',
): Promise<CryptoKey> {
  const { subtle } = crypto
  const theirs = await subtle.importKey('raw', otherKey, CURVE, false, [])
  const shared = await subtle.deriveBits({ name: 'ECDH', public: theirs }, privateKey, SHARED_BITS)
  const secret = await subtle.importKey('raw', shared, 'HKDF', false, ['deriveKey'])
  new Uint8Array(shared).fill(0)
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: Uint8Array.from(info) }
  return subtle.deriveKey(derivation, secret, { name: 'AES-GCM', length: 256 }, false, [usage])
}
