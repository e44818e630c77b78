import type { ReadContext } from '../policy/bucket-context.ts'
import type { GetSource } from '../requests/object-requests.ts'
import { type GetOptions, type GetResult, readObject } from './get-object.ts'

/** Options of a verification. */
export type VerifyObjectOptions = Omit<GetOptions, 'range'>

/** An object that was read to its end and is what was written, as far as `verification` says. */
export interface VerifiedObject extends Omit<GetResult, 'body' | 'totalBytes' | 'contentRange'> {
  /** The length of the plaintext in bytes. */
  readonly sizeBytes: number
  /**
   * What was verified: the CRC-64 of the whole ciphertext, or only its length. `aead`: every byte of a sealed object, and its
   * end.
   */
  readonly verification: GetResult['verification']
}

/** Reads an object to its end, and keeps nothing of it; see `CryptoBucket.verify`. */
export async function verifyObject(
  context: ReadContext,
  source: GetSource,
  key: string,
  options: VerifyObjectOptions,
): Promise<VerifiedObject> {
  const { describe, plaintext, sizeBytes, verification, sealed, commitment } = await readObject(
    context,
    source,
    key,
    options,
  )
  for await (const chunk of plaintext) plaintext.recycle?.(chunk)
  return {
    ...describe(),
    sizeBytes,
    verification,
    sealed,
    ...(commitment !== undefined && { commitment }),
  }
}
