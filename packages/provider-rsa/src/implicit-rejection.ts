import { createHash, createHmac, type KeyObject } from 'node:crypto'
import { wipe } from '@oss-cse/crypto-core'
import type { UnpaddedMessage } from './pkcs1-unpad.ts'

/** The secret that replacements follow from. It is the same wherever the private key is. */
export function rejectionSecret(privateKey: KeyObject): Uint8Array {
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  const secret = createHash('sha256').update('oss-cse implicit rejection v1\0').update(der).digest()
  wipe(der)
  return new Uint8Array(secret)
}

/**
 * Returns the message of a value that unwrapped, and a replacement for one that did not. The replacement follows from the secret
 * and the wrapped value alone: the same value always has the same one, whatever stands beside it in the envelope. Otherwise two
 * reads, or two envelopes with one wrapped key, would show that it is a replacement.
 *
 * @param secret - see `rejectionSecret`
 * @param field - which of the two values of the envelope it is
 * @param wrapped - the value as the header holds it
 * @param lengthBytes - of the message, at most 32
 */
export function messageOrReplacement(
  secret: Uint8Array,
  { valid, message }: UnpaddedMessage,
  { field, wrapped, lengthBytes }: { field: 'cek' | 'iv'; wrapped: string; lengthBytes: number },
): Uint8Array {
  const replacement = createHmac('sha256', secret).update(`${field}\0${wrapped}`).digest()
  const kept = -valid & 0xff
  const chosen = new Uint8Array(lengthBytes)
  for (let i = 0; i < lengthBytes; i++) {
    chosen[i] = ((message[i] ?? 0) & kept) | ((replacement[i] as number) & ~kept)
  }
  wipe(message, replacement)
  return chosen
}
