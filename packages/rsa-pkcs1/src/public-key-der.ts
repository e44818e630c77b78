import { bytesOf } from './big-endian.ts'

const INTEGER = 0x02
const BIT_STRING = 0x03
const SEQUENCE = 0x30

/** `rsaEncryption` (1.2.840.113549.1.1.1), and its NULL parameters (RFC 8017, appendix A.1). */
const RSA_ENCRYPTION = [
  0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
]
/** The exponent 65,537 as an INTEGER. */
const EXPONENT = [INTEGER, 0x03, 0x01, 0x00, 0x01]

/** Where the modulus stands in a key of at least 2,048 bits: the length of each element around it takes two bytes. */
export const MODULUS_PLACE: { readonly spki: number; readonly pkcs1: number; readonly bytesBehind: number } =
  {
    pkcs1: 8,
    spki: 32,
    bytesBehind: EXPONENT.length,
  }

/** Encodes `RSAPublicKey` of PKCS#1 in DER, with the exponent 65,537. For moduli of 2,048 bits or more. */
export function pkcs1Der(modulus: bigint): readonly number[] {
  // One bit more than the modulus has, because an INTEGER has a sign.
  const lengthBytes = Math.floor(modulus.toString(2).length / 8) + 1
  return element(SEQUENCE, [...element(INTEGER, [...bytesOf(modulus, lengthBytes)]), ...EXPONENT])
}

/** Encodes `SubjectPublicKeyInfo` (SPKI) in DER, with the exponent 65,537. For moduli of 2,048 bits or more. */
export function spkiDer(modulus: bigint): readonly number[] {
  return element(SEQUENCE, [...RSA_ENCRYPTION, ...element(BIT_STRING, [0, ...pkcs1Der(modulus)])])
}

function element(tag: number, content: readonly number[]): readonly number[] {
  return [tag, 0x82, content.length >> 8, content.length & 0xff, ...content]
}
