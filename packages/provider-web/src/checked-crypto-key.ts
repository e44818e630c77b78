import { invalidKey } from './invalid-key.ts'

/** What a key must be. */
interface Expected {
  readonly type: KeyType
  readonly algorithm: 'AES-GCM' | 'RSA-OAEP'
  readonly usages: readonly KeyUsage[]
}

/** Checks that a value is a CryptoKey for the use at hand. A private or secret key must not be extractable. */
export function checkCryptoKey(key: CryptoKey, name: string, { type, algorithm, usages }: Expected): void {
  // No `instanceof`: a key may come from another realm, such as a frame.
  if (typeof key !== 'object' || key === null || typeof key.algorithm !== 'object') {
    throw invalidKey(`${name} must be a CryptoKey.`)
  }
  const isFit = key.type === type && key.algorithm.name === algorithm
  if (!isFit || !usages.every((usage) => key.usages.includes(usage))) {
    throw invalidKey(`${name} must be a ${type} key for ${algorithm} with the usages ${usages.join(', ')}.`)
  }
  if (type !== 'public' && key.extractable) {
    throw invalidKey(
      `${name} is extractable: any script of the page could read it. Import or generate it with \`extractable: false\`.`,
    )
  }
}
