import { CseError, TransportError } from '@oss-cse/crypto-core'

/**
 * Returns the same error with the object's key in it. Errors of a transport, and errors of others, stay as they are.
 */
export function aboutObject(error: unknown, objectKey: string): unknown {
  if (!CseError.isInstance(error) || TransportError.isInstance(error) || error.objectKey !== undefined)
    return error
  const { code, message, cause, byteRange } = error
  return new CseError(code, `${objectKey}: ${message}`, { cause, objectKey, byteRange })
}

/** The error of a transport or key service that does not know which object it works for, with the object's key. */
export function withObjectKey(error: unknown, objectKey: string): unknown {
  if (!TransportError.isInstance(error) || error.objectKey !== undefined) return error
  return TransportError.with(error, { message: `${objectKey}: ${error.message}`, objectKey })
}
