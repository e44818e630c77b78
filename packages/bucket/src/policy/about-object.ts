import { CseError, TransportError } from '@oss-cse/crypto-core'

/**
 * Returns the same error with the object's key in it. Errors of a transport, and errors of others, stay as they are.
 */
export function aboutObject(error: unknown, objectKey: string): unknown {
  if (!CseError.isInstance(error) || TransportError.isInstance(error) || error.objectKey !== undefined)
    return error
  return new CseError(error.code, `${objectKey}: ${error.message}`, { cause: error.cause, objectKey })
}
