import { type OnWarning, processWarning } from './process-warning.ts'

const ADVISED_MODULUS_BITS = 2048

/** Warns about a key of less than 2048 bits. By default, it emits a Node.js process warning. */
export function warnOfWeakKey(
  modulusBits: number,
  onWarning: OnWarning = processWarning('OSS_CSE_WEAK_KEY'),
): void {
  if (modulusBits >= ADVISED_MODULUS_BITS) return
  onWarning(
    `An RSA key of ${modulusBits} bits is too weak to protect data for years. Generate a new key of 3072 bits with generateRsaKeyPair(). Keep this one to read the objects that it encrypted.`,
  )
}
