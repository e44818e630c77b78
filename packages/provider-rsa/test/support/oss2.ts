import { readFileSync } from 'node:fs'

/** A pair of key files that oss2 wrote, and objects that it encrypted with them. Bytes are base64. */
export interface Oss2Vector {
  readonly sdk: string
  readonly rsaLibrary: string
  readonly passphrase: string | null
  readonly privateKeyPem: string
  readonly publicKeyPem: string
  readonly objects: readonly {
    readonly headers: Readonly<Record<string, string>>
    readonly ciphertext: string
    readonly plaintext: string
  }[]
}

/** The vectors that `test/vectors/oss2-local-rsa.py` made. */
export const oss2Vectors: readonly Oss2Vector[] = JSON.parse(
  readFileSync(new URL('../vectors/oss2-local-rsa.json', import.meta.url), 'utf8'),
).vectors

/** The vector of one SDK, with this passphrase. */
export function oss2Vector(sdk: string, passphrase: string | null): Oss2Vector {
  const found = oss2Vectors.find((vector) => vector.sdk === sdk && vector.passphrase === passphrase)
  if (found === undefined) throw new Error(`There is no such vector of ${sdk}.`)
  return found
}
