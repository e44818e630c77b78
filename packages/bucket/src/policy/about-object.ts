import { type ContentKey, CseError, orAborted, TransportError, wipe } from '@oss-cse/crypto-core'

/** The same error, naming the object it is about. A transport's errors, and others', stay as they are. */
export function aboutObject(error: unknown, objectKey: string): unknown {
  if (!CseError.isInstance(error) || TransportError.isInstance(error) || error.objectKey !== undefined)
    return error
  return new CseError(error.code, `${objectKey}: ${error.message}`, { cause: error.cause, objectKey })
}

/**
 * Calls the keyring for one object. A key service does not know the object that it is asked for; its failures name it
 * from here on. The call ends with the signal, also where a provider does not hear it: a key that comes later is wiped.
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
    if (signal?.aborted) made.then(wipeKey, () => {})
    if (!TransportError.isInstance(error) || error.objectKey !== undefined) throw error
    const {
      code,
      message,
      cause,
      status,
      serviceCode,
      requestId,
      ec,
      connected,
      retryable,
      retriesExhausted,
    } = error
    const known = { cause, status, serviceCode, requestId, ec, connected, retryable, retriesExhausted }
    throw new TransportError(code, `${objectKey}: ${message}`, { ...known, objectKey })
  }
}

function wipeKey(made: ContentKey | { readonly contentKey: ContentKey }): void {
  const { cek, iv } = 'contentKey' in made ? made.contentKey : made
  wipe(cek, iv)
}
