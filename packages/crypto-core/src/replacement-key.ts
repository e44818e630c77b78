import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { concatBytes } from './bytes.ts'
import { IV_BYTES } from './content-key.ts'
import type { Envelope } from './envelope.ts'
import type { ContentKey } from './ports.ts'

/** Made on first use: some runtimes have no random numbers while modules load. */
let secret: Uint8Array | undefined

/**
 * A key in place of one that could not be unwrapped: the same for the same wrapped values, in this process. For providers without
 * `unwrapWithImplicitRejection`, whose replacements are the same in each process.
 */
export async function replacementKey(envelope: Envelope): Promise<ContentKey> {
  const wrappedIv = envelope.version === 2 ? envelope.wrappedIv : envelope.wrappedStart
  return { cek: replacement('cek', envelope.wrappedCek), iv: replacement('iv', wrappedIv).slice(0, IV_BYTES) }
}

function replacement(field: 'cek' | 'iv', wrapped: string): Uint8Array {
  secret ??= crypto.getRandomValues(new Uint8Array(32))
  return digestEngine.sha256(concatBytes([secret, new TextEncoder().encode(`${field}\0${wrapped}`)]))
}
