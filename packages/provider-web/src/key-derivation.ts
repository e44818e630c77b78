import { CseError, wipe } from '@oss-cse/crypto-core'
import { subtleCrypto } from './subtle-crypto.ts'

/** PBKDF2 with SHA-256, which WebCrypto has. */
export interface Pbkdf2Derivation {
  readonly name: 'PBKDF2-SHA-256'
  readonly iterations: number
}

/** Argon2id, of RFC 9106. */
export interface Argon2idDerivation {
  readonly name: 'Argon2id'
  /** In KiB. */
  readonly memoryKib: number
  readonly iterations: number
  readonly parallelism: number
}

/** How the key that wraps a master key follows from a passphrase, with its costs. */
export type KeyDerivation = Pbkdf2Derivation | Argon2idDerivation

/** What new keys are wrapped with: PBKDF2 as OWASP advises, Argon2id as RFC 9106, section 4, for little memory, but in one lane. */
export const DERIVATIONS: { readonly pbkdf2: Pbkdf2Derivation; readonly argon2id: Argon2idDerivation } = {
  pbkdf2: { name: 'PBKDF2-SHA-256', iterations: 600_000 },
  argon2id: { name: 'Argon2id', memoryKib: 65_536, iterations: 3, parallelism: 1 },
}

/** Bounds of what is read, so that an altered record cannot stop the page for hours or take all its memory. */
const MAX = {
  pbkdf2Iterations: 10_000_000,
  argonIterations: 20,
  memoryKib: 1_048_576,
  parallelism: 16,
} as const

const WRAPPING_USAGES = ['wrapKey', 'unwrapKey'] as const
const KEY_BYTES = 32
const MAX_PASSPHRASE_BYTES = 1024

/** Reads what a record says about its derivation. Returns `undefined` if it is none that could have been written. */
export function readDerivation(value: unknown): KeyDerivation | undefined {
  const { name, iterations, memoryKib, parallelism } = (value ?? {}) as Record<string, unknown>
  if (name === DERIVATIONS.pbkdf2.name) {
    return isBetween(iterations, DERIVATIONS.pbkdf2.iterations, MAX.pbkdf2Iterations)
      ? { name, iterations }
      : undefined
  }
  if (name !== DERIVATIONS.argon2id.name) return undefined
  return isBetween(iterations, 1, MAX.argonIterations) &&
    isBetween(memoryKib, DERIVATIONS.argon2id.memoryKib, MAX.memoryKib) &&
    isBetween(parallelism, 1, MAX.parallelism)
    ? { name, memoryKib, iterations, parallelism }
    : undefined
}

/**
 * Derives the key that wraps a master key.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the passphrase is not a text of 1 to 1024 bytes
 */
export async function deriveWrappingKey(
  passphrase: string,
  salt: Uint8Array<ArrayBuffer>,
  derivation: KeyDerivation,
): Promise<CryptoKey> {
  const bytes = passphraseBytes(passphrase)
  try {
    return await (derivation.name === 'Argon2id'
      ? argon2id(bytes, salt, derivation)
      : pbkdf2(bytes, salt, derivation.iterations))
  } finally {
    wipe(bytes)
  }
}

async function pbkdf2(
  passphrase: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<CryptoKey> {
  const subtle = subtleCrypto()
  const base = await subtle.importKey('raw', passphrase, 'PBKDF2', false, ['deriveKey'])
  const algorithm = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations }
  return subtle.deriveKey(algorithm, base, { name: 'AES-GCM', length: 8 * KEY_BYTES }, false, [
    ...WRAPPING_USAGES,
  ])
}

async function argon2id(
  password: Uint8Array,
  salt: Uint8Array,
  { memoryKib, iterations, parallelism }: Argon2idDerivation,
): Promise<CryptoKey> {
  const subtle = subtleCrypto()
  // Loaded here: WebCrypto has no Argon2id, and most pages do not need it.
  const hashWasm = await import('hash-wasm')
  const derived = await hashWasm.argon2id({
    password,
    salt,
    memorySize: memoryKib,
    iterations,
    parallelism,
    hashLength: KEY_BYTES,
    outputType: 'binary',
  })
  try {
    const bytes = derived as Uint8Array<ArrayBuffer>
    return await subtle.importKey('raw', bytes, 'AES-GCM', false, [...WRAPPING_USAGES])
  } finally {
    wipe(derived)
  }
}

/** Keyboards of different systems write the same letter with different code points, which the form NFC makes equal. */
function passphraseBytes(passphrase: string): Uint8Array<ArrayBuffer> {
  const isText = typeof passphrase === 'string' && !/\p{Surrogate}/u.test(passphrase)
  const bytes = new TextEncoder().encode(isText ? passphrase.normalize('NFC') : '')
  if (bytes.length >= 1 && bytes.length <= MAX_PASSPHRASE_BYTES) return bytes
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `A passphrase must be a text of 1 to ${MAX_PASSPHRASE_BYTES} bytes in UTF-8.`,
  )
}

function isBetween(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most
}
