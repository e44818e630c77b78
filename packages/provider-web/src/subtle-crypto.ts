import { CseError } from '@oss-cse/crypto-core'

/**
 * Returns WebCrypto.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` if the runtime does not have it
 */
export function subtleCrypto(): SubtleCrypto {
  // Absent in pages that were loaded over plain HTTP, although the types say otherwise.
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle
  if (subtle !== undefined) return subtle
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    'There is no WebCrypto here, which holds the master key. Load the page from https:// or from localhost.',
  )
}
