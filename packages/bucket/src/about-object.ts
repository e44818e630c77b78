import { CseError, TransportError } from '@oss-cse/crypto-core'

/** The same error, naming the object it is about. A transport's errors, and others', stay as they are. */
export function aboutObject(error: unknown, objectKey: string): unknown {
  if (!CseError.isInstance(error) || TransportError.isInstance(error) || error.objectKey !== undefined)
    return error
  return new CseError(error.code, `${objectKey}: ${error.message}`, { cause: error.cause, objectKey })
}

/**
 * Calls the keyring for one object. A key service does not know the object that it is asked for; its failures name it
 * from here on.
 */
export async function forObject<Result>(objectKey: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call()
  } catch (error) {
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
