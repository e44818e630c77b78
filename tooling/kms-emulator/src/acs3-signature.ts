import { createHash, createHmac } from 'node:crypto'
import { canonicalParameters, type Parameter } from './kms-request.ts'

export const ACS3_ALGORITHM = 'ACS3-HMAC-SHA256'

/** The parts of an `Authorization: ACS3-HMAC-SHA256` header. */
export interface Acs3Authorization {
  readonly accessKeyId: string
  /** In the order of the header, lower case. */
  readonly signedHeaders: readonly string[]
  /** Hexadecimal. */
  readonly signature: string
}

/** The input of an ACS3 signature. */
export interface Acs3Input {
  readonly method: string
  /** Escaped, as received. */
  readonly path: string
  readonly query: readonly Parameter[]
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly signedHeaders: readonly string[]
  /** The hexadecimal SHA-256 of the body. */
  readonly payloadHash: string
}

/** Parses an authorization header. Returns `undefined` if it does not have this algorithm. */
export function parseAcs3Authorization(text: string): Acs3Authorization | undefined {
  const match =
    /^ACS3-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$/.exec(
      text,
    )
  if (match === null) return undefined
  const [, accessKeyId, signedHeaders, signature] = match as unknown as [string, string, string, string]
  return { accessKeyId, signedHeaders: signedHeaders.split(';'), signature }
}

/** Returns the string to sign of an ACS3 request. */
export function acs3StringToSign(input: Acs3Input): string {
  const query = canonicalParameters(input.query)
  const names = [...input.signedHeaders].sort()
  const headers = names.map((name) => `${name}:${(input.headers.get(name) ?? '').trim()}\n`).join('')
  const canonical = [input.method, input.path, query, headers, names.join(';'), input.payloadHash].join('\n')
  return `${ACS3_ALGORITHM}\n${createHash('sha256').update(canonical, 'utf8').digest('hex')}`
}

/** Returns the hexadecimal signature of an ACS3 string to sign. */
export function acs3Signature(accessKeySecret: string, stringToSign: string): string {
  return createHmac('sha256', accessKeySecret).update(stringToSign, 'utf8').digest('hex')
}
