import { sealEngine } from '@oss-cse/crypto-core/seal-engine'
import { encodeBase64 } from './bytes.ts'
import { checkContentKey } from './content-key.ts'
import type { ContentKey } from './ports.ts'
import { SALT_BYTES, type SealEngine } from './seal-engine.ts'

/** The commitment of a sealed object: the salt in its header, in base64url without padding. */
export function commitmentOf(header: Uint8Array): string {
  const text = encodeBase64(header.subarray(1, 1 + SALT_BYTES))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * Derives the commitment of an object. It binds content key, IV and context, and does not reveal them.
 *
 * @param context - see `encodeContext`
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the content key has wrong lengths
 */
export async function deriveCommitment(
  contentKey: ContentKey,
  context: Uint8Array,
  engine: SealEngine = sealEngine,
): Promise<string> {
  checkContentKey(contentKey)
  const cipher = await engine.start(contentKey, context)
  cipher.dispose()
  return commitmentOf(cipher.header)
}
