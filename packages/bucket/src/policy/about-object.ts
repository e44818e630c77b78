import { CseError, TransportError } from '@oss-cse/crypto-core'

/** The same error, naming the object it is about. A transport's errors, and others', stay as they are. */
export function aboutObject(error: unknown, objectKey: string): unknown {
  if (!CseError.isInstance(error) || TransportError.isInstance(error) || error.objectKey !== undefined)
    return error
  return new CseError(error.code, `${objectKey}: ${error.message}`, { cause: error.cause, objectKey })
}
