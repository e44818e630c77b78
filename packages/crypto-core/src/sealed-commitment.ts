import { encodeBase64 } from './bytes.ts'
import { SALT_BYTES } from './seal-engine.ts'

/** The commitment of a sealed object: the salt in its header, in base64url without padding. */
export function commitmentOf(header: Uint8Array): string {
  const text = encodeBase64(header.subarray(1, 1 + SALT_BYTES))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
