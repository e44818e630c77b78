import { CseError } from '@oss-cse/crypto-core'
import type { RewriteObjectOptions } from './rewrite-shard.ts'

/**
 * Checks that fresh content can be compared with what another bucket has already: that needs a key that reads it.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`
 */
export function checkComparable({ keyring, placement }: RewriteObjectOptions): void {
  if (placement?.mode !== 'into' || keyring.encrypting.canUnwrap !== false) return
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    'Into another bucket, the master key must be able to decrypt: what is there already is read and compared. Pass the private key too.',
  )
}
