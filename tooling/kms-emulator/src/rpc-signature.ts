import { createHmac } from 'node:crypto'
import { escapeRfc3986 } from './escape.ts'
import { canonicalParameters, type Parameter } from './kms-request.ts'

/**
 * Returns the string to sign of an RPC request: its method and all parameters of the query and of a form, except the
 * signature itself.
 */
export function rpcStringToSign(method: string, parameters: readonly Parameter[]): string {
  const sorted = canonicalParameters(parameters.filter(({ name }) => name !== 'Signature'))
  return `${method}&${escapeRfc3986('/')}&${escapeRfc3986(sorted)}`
}

/** Returns the base64 signature of an RPC string to sign. */
export function rpcSignature(accessKeySecret: string, stringToSign: string): string {
  return createHmac('sha1', `${accessKeySecret}&`).update(stringToSign, 'utf8').digest('base64')
}
