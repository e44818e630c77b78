import { createHmac } from 'node:crypto'
import { escapeRfc3986 } from './escape.ts'
import { canonicalParameters, type Parameter } from './kms-request.ts'

/**
 * The text that a request of the RPC generation signs: its method and all parameters, of the query and of a form
 * alike, without the signature itself.
 */
export function rpcStringToSign(method: string, parameters: readonly Parameter[]): string {
  const sorted = canonicalParameters(parameters.filter(({ name }) => name !== 'Signature'))
  return `${method}&${escapeRfc3986('/')}&${escapeRfc3986(sorted)}`
}

/** The base64 signature of an RPC string to sign. */
export function rpcSignature(accessKeySecret: string, stringToSign: string): string {
  return createHmac('sha1', `${accessKeySecret}&`).update(stringToSign, 'utf8').digest('base64')
}
