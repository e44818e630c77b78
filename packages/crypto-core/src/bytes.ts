/** Tells whether a value is a Uint8Array, even one of another realm (an iframe, a test environment). */
export function isUint8Array(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || Object.prototype.toString.call(value) === '[object Uint8Array]'
}

/** Joins chunks into one array. A single chunk is returned as it is, without a copy. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const joined = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    joined.set(chunk, offset)
    offset += chunk.length
  }
  return joined
}

/** Compares two arrays. The time that it takes does not depend on where they differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** Encodes bytes as standard base64 with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** Far more than a header can hold. */
const MAX_BASE64_LENGTH = 64 * 1024

/**
 * Decodes standard base64 (RFC 4648, section 4). It accepts exactly one text for each byte sequence, the one that every
 * official SDK writes: with padding, without white space, and with zeros in the unused bits of the last character. The
 * result is the same in each runtime, even where the runtime's own decoder accepts more.
 *
 * @returns `undefined` for any other text, and for more than 64 KiB, so that the caller can choose the error
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length > MAX_BASE64_LENGTH) return undefined
  let binary: string
  try {
    binary = atob(text)
  } catch {
    return undefined
  }
  if (btoa(binary) !== text) return undefined
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

/** Encodes bytes as hexadecimal digits, in lower case. */
export function encodeHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Overwrites key material. Best effort: a runtime may have copied it. */
export function wipe(...arrays: readonly Uint8Array[]): void {
  for (const array of arrays) array.fill(0)
}
