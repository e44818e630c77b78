import {
  type ContentKey,
  type Envelope,
  type MasterKeyCallOptions,
  type ObjectReference,
  orAborted,
  wipe,
} from '@oss-cse/crypto-core'
import { withObjectKey } from '../policy/about-object.ts'
import type { ReadContext } from '../policy/bucket-context.ts'
import { withRetries } from '../policy/retry.ts'

/** An object whose key is unwrapped. */
export interface UnwrapOptions {
  /** The object's name in errors and the log. */
  readonly key: string
  readonly object: ObjectReference
  readonly signal: AbortSignal | undefined
}

/**
 * Unwraps an object's content key, with retries.
 *
 * @throws CseError what the keyring and its provider throw, with the object's key; the signal's reason at once
 */
export async function unwrapKey(
  context: ReadContext,
  envelope: Envelope,
  options: UnwrapOptions,
): Promise<ContentKey> {
  return retried(context, options, (call) => context.keyring.unwrap(envelope, call))
}

/** As `unwrapKey`, to open a sealed object: see `Keyring.unwrapToOpen`. */
export async function unwrapKeyToOpen(
  context: ReadContext,
  envelope: Envelope,
  options: UnwrapOptions,
): Promise<ContentKey> {
  const acceptsOnlySealed = context.accept === 'sealed'
  return retried(context, options, (call) =>
    context.keyring.unwrapToOpen(envelope, { ...call, acceptsOnlySealed }),
  )
}

function retried(
  { retry, logger }: ReadContext,
  { key, object, signal }: UnwrapOptions,
  unwrap: (call: MasterKeyCallOptions) => Promise<ContentKey>,
): Promise<ContentKey> {
  return withRetries(() => forObject(key, signal, () => unwrap({ signal, object })), {
    operation: 'unwrap',
    key,
    retry,
    logger,
    signal,
  })
}

/**
 * Calls the keyring for one object, and adds the object's key to its errors, because a key service does not know it.
 * The call ends with the signal, even if the provider ignores it. A key that arrives later is wiped.
 */
export async function forObject<Result extends ContentKey | { readonly contentKey: ContentKey }>(
  objectKey: string,
  signal: AbortSignal | undefined,
  call: () => Promise<Result>,
): Promise<Result> {
  const made = call()
  try {
    return await orAborted(made, signal)
  } catch (error) {
    const wipeLate = (late: Result): void => wipeKey('contentKey' in late ? late.contentKey : late)
    if (signal?.aborted) made.then(wipeLate, () => {})
    throw withObjectKey(error, objectKey)
  }
}

/** Wipes a content key. */
export function wipeKey({ cek, iv }: ContentKey): void {
  wipe(cek, iv)
}
