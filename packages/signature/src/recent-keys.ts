import type { AccessKey } from './request-to-sign.ts'
import type { RequestScope } from './v4-text.ts'

/** Enough for the access keys and regions that one program alternates between. */
const LIMIT = 8

interface Entry<Key> {
  readonly secret: string
  readonly day: string
  readonly region: string
  readonly product: string
  readonly key: Key
}

/**
 * The signing keys that were derived last. A signing key is valid for a day. Deriving it takes four HMACs, and signing
 * with it takes one.
 */
export class RecentKeys<Key> {
  readonly #entries: Entry<Key>[] = []
  #next = 0

  /** Returns the key of a secret in a scope, if it was derived recently. */
  find({ accessKeySecret }: AccessKey, { day, region, product }: RequestScope): Key | undefined {
    for (const entry of this.#entries) {
      if (
        entry.secret === accessKeySecret &&
        entry.day === day &&
        entry.region === region &&
        entry.product === product
      ) {
        return entry.key
      }
    }
    return undefined
  }

  /** Keeps a key in place of the oldest one. */
  keep({ accessKeySecret: secret }: AccessKey, { day, region, product }: RequestScope, key: Key): void {
    this.#entries[this.#next] = { secret, day, region, product, key }
    this.#next = (this.#next + 1) % LIMIT
  }
}
