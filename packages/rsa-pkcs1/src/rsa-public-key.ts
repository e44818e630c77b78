import { numberOf } from './big-endian.ts'
import { derOfPem } from './pem.ts'
import { MODULUS_PLACE, pkcs1Der, spkiDer } from './public-key-der.ts'

const MIN_BITS = 2048
const MAX_BITS = 8192

/** A checked RSA public key, with the exponent 65,537. */
export interface RsaPublicKey {
  readonly modulus: bigint
  /** The length of the modulus, and of each ciphertext, in bytes. */
  readonly sizeBytes: number
  /** The length of the modulus in bits: 2,048 to 8,192. */
  readonly sizeBits: number
  /** The key as `SubjectPublicKeyInfo` in DER. Its hash names the key. */
  readonly spki: Uint8Array<ArrayBuffer>
}

/**
 * Reads an RSA public key of 2,048 to 8,192 bits with the exponent 65,537. It accepts exactly the bytes that DER prescribes, and
 * nothing before or after them.
 *
 * @param key - PEM text with one block, `PUBLIC KEY` (SPKI) or `RSA PUBLIC KEY` (PKCS#1), or the DER of SPKI
 * @throws TypeError if it is anything else
 *
 * @example
 * ```ts
 * const key = parseRsaPublicKey(await (await fetch('/master-public.pem')).text())
 * ```
 */
export function parseRsaPublicKey(key: string | Uint8Array): RsaPublicKey {
  const { der, form } = typeof key === 'string' ? derOfPem(key) : ({ der: key, form: 'spki' } as const)
  const end = der.length - MODULUS_PLACE.bytesBehind
  const modulus = numberOf(der.subarray(MODULUS_PLACE[form], Math.max(end, 0)))
  const sizeBits = modulus.toString(2).length
  const isUsable = sizeBits >= MIN_BITS && sizeBits <= MAX_BITS && modulus % 2n === 1n
  // DER has one encoding of a key. So a comparison with it replaces a parser: it refuses each other algorithm and exponent, each
  // byte too many or too few, and each unusual length.
  if (!isUsable || !sameBytes(der, form === 'spki' ? spkiDer(modulus) : pkcs1Der(modulus))) throw unusable()
  return { modulus, sizeBits, sizeBytes: Math.ceil(sizeBits / 8), spki: Uint8Array.from(spkiDer(modulus)) }
}

function sameBytes(a: Uint8Array, b: readonly number[]): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function unusable(): TypeError {
  return new TypeError(
    `This is not an RSA public key of ${MIN_BITS} to ${MAX_BITS} bits with the exponent 65537, or it is damaged. Look at it with \`openssl pkey -pubin -text\`.`,
  )
}
