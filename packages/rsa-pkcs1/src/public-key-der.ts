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

/** Encodes `RSAPublicKey` of PKCS#1 in DER, with the exponent 65,537. */
export function pkcs1Der(modulus: bigint): readonly number[] {
  const digits = modulus.toString(16).length
  // One bit more, because an INTEGER has a sign.
  const lengthBytes = Math.ceil((digits + 1) / 2)
  const bytes = bytesOf(modulus, lengthBytes)
  const minimal = bytes[0] === 0 && (bytes[1] as number) < 0x80 ? bytes.subarray(1) : bytes
  return element(SEQUENCE, [...element(INTEGER, [...minimal]), ...EXPONENT])
}

/** Encodes `SubjectPublicKeyInfo` (SPKI) in DER, with the exponent 65,537. */
export function spkiDer(modulus: bigint): readonly number[] {
  return element(SEQUENCE, [...RSA_ENCRYPTION, ...element(BIT_STRING, [0, ...pkcs1Der(modulus)])])
}

function element(tag: number, content: readonly number[]): readonly number[] {
  const { length } = content
  if (length < 0x80) return [tag, length, ...content]
  if (length < 0x100) return [tag, 0x81, length, ...content]
  return [tag, 0x82, length >> 8, length & 0xff, ...content]
}
