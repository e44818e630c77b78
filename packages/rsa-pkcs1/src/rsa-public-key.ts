import { numberOf } from './big-endian.ts'
import { derOfPem } from './pem.ts'
import { pkcs1Der, spkiDer } from './public-key-der.ts'

const MIN_BITS = 2048
const MAX_BITS = 8192
const EXPONENT = 65_537n
const INTEGER = 0x02
const BIT_STRING = 0x03
const OBJECT_IDENTIFIER = 0x06
const SEQUENCE = 0x30
/** `rsaEncryption`, without tag and length. */
const RSA_OID = '2a864886f70d010101'

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
 * Reads an RSA public key and checks it: its kind, its size, its exponent. It accepts exactly the bytes that DER prescribes, and
 * nothing before or after them.
 *
 * @param key - PEM text with one block, `PUBLIC KEY` (SPKI) or `RSA PUBLIC KEY` (PKCS#1), or the DER of SPKI
 * @throws TypeError if it is anything else; the message says what
 * @throws RangeError if the key has another exponent than 65,537, an even modulus, or not 2,048 to 8,192 bits
 *
 * @example
 * ```ts
 * const key = parseRsaPublicKey(await (await fetch('/master-public.pem')).text())
 * ```
 */
export function parseRsaPublicKey(key: string | Uint8Array): RsaPublicKey {
  if (typeof key !== 'string') return checkedKey(key, 'spki')
  const { der, form } = derOfPem(key)
  return checkedKey(der, form)
}

function checkedKey(der: Uint8Array, form: 'spki' | 'pkcs1'): RsaPublicKey {
  const numbers = form === 'spki' ? insideSpki(der) : der
  const modulus = readNumber(numbers, 0)
  const exponent = modulus && readNumber(numbers, modulus.end)
  if (modulus === undefined || exponent === undefined) throw damaged()
  const { value } = modulus
  const sizeBits = value.toString(2).length
  if (sizeBits < MIN_BITS || sizeBits > MAX_BITS) {
    throw new RangeError(`The RSA key has ${sizeBits} bits. It must have ${MIN_BITS} to ${MAX_BITS}.`)
  }
  if (value % 2n === 0n) throw new RangeError('The modulus of the RSA key is even. The key is damaged.')
  if (exponent.value !== EXPONENT) {
    throw new RangeError('The RSA key has another public exponent than 65537. Generate a new key.')
  }
  const canonical = Uint8Array.from(form === 'spki' ? spkiDer(value) : pkcs1Der(value))
  // DER has one encoding of a key. So this alone refuses truncated and extended keys, and each unusual length or parameter.
  if (!sameBytes(canonical, der)) throw damaged()
  const spki = form === 'spki' ? canonical : Uint8Array.from(spkiDer(value))
  return { modulus: value, sizeBits, sizeBytes: Math.ceil(sizeBits / 8), spki }
}

/** Returns the `RSAPublicKey` inside. The caller checks the encoding: this only finds it. */
function insideSpki(der: Uint8Array): Uint8Array {
  const outer = contentOf(der, 0, SEQUENCE)
  const algorithm = outer && contentOf(der, outer.start, SEQUENCE)
  const oid = algorithm && contentOf(der, algorithm.start, OBJECT_IDENTIFIER)
  const bits = algorithm && contentOf(der, algorithm.end, BIT_STRING)
  if (oid === undefined || bits === undefined) throw damaged()
  const name = Array.from(der.subarray(oid.start, oid.end), (byte) => byte.toString(16).padStart(2, '0'))
  if (name.join('') !== RSA_OID) {
    throw new TypeError(
      'The key is not an RSA key that encrypts (EC, Ed25519, DSA and RSA-PSS keys cannot be used).',
    )
  }
  return der.subarray(bits.start + 1, bits.end)
}

/** Reads the INTEGER at an offset. At 0 it first enters the SEQUENCE that begins there. */
function readNumber(
  sequence: Uint8Array,
  offset: number,
): { readonly value: bigint; readonly end: number } | undefined {
  const start = offset === 0 ? contentOf(sequence, 0, SEQUENCE)?.start : offset
  const place = start === undefined ? undefined : contentOf(sequence, start, INTEGER)
  return place && { value: numberOf(sequence.subarray(place.start, place.end)), end: place.end }
}

/** Returns where the content of an element begins and ends, or `undefined` if there is no such element. */
function contentOf(
  der: Uint8Array,
  offset: number,
  tag: number,
): { readonly start: number; readonly end: number } | undefined {
  const first = der[offset + 1]
  if (der[offset] !== tag || first === undefined) return undefined
  const lengthBytes = first < 0x80 ? 0 : first - 0x80
  // A key has no element of 64 KiB. 0x80 alone is BER of indefinite length.
  if (first === 0x80 || lengthBytes > 2) return undefined
  const start = offset + 2 + lengthBytes
  const length = lengthBytes === 0 ? first : Number(numberOf(der.subarray(offset + 2, start)))
  return start + length <= der.length ? { start, end: start + length } : undefined
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function damaged(): TypeError {
  return new TypeError(
    'The RSA public key cannot be read: it is damaged, or it is not in DER. Export it again: `openssl pkey -pubout`.',
  )
}
