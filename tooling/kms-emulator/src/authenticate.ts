import { createHash, timingSafeEqual } from 'node:crypto'
import type { AcceptedCredentials } from './accepted-credentials.ts'
import { ACS3_ALGORITHM, acs3Signature, acs3StringToSign, parseAcs3Authorization } from './acs3-signature.ts'
import {
  illegalTimestamp,
  incompleteSignature,
  invalidSignatureMethod,
  missingParameter,
  signatureDoesNotMatch,
  signatureNonceUsed,
  timestampExpired,
  timestampFormat,
} from './error-catalog.ts'
import type { KmsRequest } from './kms-request.ts'
import { rpcSignature, rpcStringToSign } from './rpc-signature.ts'
import type { UsedNonces } from './used-nonces.ts'

const MAX_SKEW_MS = 900_000

/** The state that a request is checked against. */
export interface Gate {
  readonly credentials: AcceptedCredentials
  readonly nonces: UsedNonces
  readonly now: Date
}

/** The claims of a signed request. */
interface Claim {
  readonly accessKeyId: string
  readonly securityToken: string | undefined
  readonly timestamp: string | undefined
  readonly nonce: string
  readonly signature: string
  /** Computes the signature that the request must have. */
  expected(accessKeySecret: string): string
}

/**
 * Verifies the signature, time stamp, nonce and security token of a request, in either generation of the protocol.
 *
 * @throws KmsError with the code and message of the service
 */
export function authenticate(request: KmsRequest, gate: Gate): void {
  const claim = request.protocol === 'acs3' ? acs3Claim(request) : rpcClaim(request)
  const time = parseTimestamp(claim.timestamp)
  const now = gate.now.getTime()
  if (Math.abs(now - time) > MAX_SKEW_MS) throw timestampExpired()
  const secret = gate.credentials.secretOf(claim.accessKeyId, claim.securityToken)
  if (!equalText(claim.expected(secret), claim.signature)) throw signatureDoesNotMatch()
  // This check comes last: an unsigned request must not use up the nonces of other clients.
  if (!gate.nonces.use(`${claim.accessKeyId} ${claim.nonce}`, time + MAX_SKEW_MS, now))
    throw signatureNonceUsed()
}

/** Returns the access key id that a request claims, if it can be read. */
export function claimedAccessKeyId(request: KmsRequest): string | undefined {
  return request.protocol === 'acs3'
    ? parseAcs3Authorization(request.header('authorization') ?? '')?.accessKeyId
    : request.parameter('AccessKeyId')
}

function rpcClaim(request: KmsRequest): Claim {
  const signature = request.parameter('Signature')
  if (!signature) throw incompleteSignature()
  if (required(request, 'SignatureMethod') !== 'HMAC-SHA1') throw invalidSignatureMethod()
  if (required(request, 'SignatureVersion') !== '1.0') throw incompleteSignature()
  return {
    accessKeyId: required(request, 'AccessKeyId'),
    securityToken: request.parameter('SecurityToken') || undefined,
    timestamp: request.parameter('Timestamp'),
    nonce: required(request, 'SignatureNonce'),
    signature,
    expected: (secret) =>
      rpcSignature(secret, rpcStringToSign(request.method, [...request.query, ...request.form])),
  }
}

function acs3Claim(request: KmsRequest): Claim {
  const header = request.header('authorization') ?? ''
  if (!header.startsWith(`${ACS3_ALGORITHM} `)) throw invalidSignatureMethod()
  const authorization = parseAcs3Authorization(header)
  if (authorization === undefined) throw incompleteSignature()
  const nonce = request.header('x-acs-signature-nonce')
  if (!nonce) throw missingParameter('x-acs-signature-nonce')
  const payloadHash = request.header('x-acs-content-sha256')
  if (!payloadHash) throw missingParameter('x-acs-content-sha256')
  const signed = new Set(authorization.signedHeaders)
  // An unsigned header could be changed in transit. In this generation, even the action is a header.
  for (const name of ['host', ...request.headers.keys()]) {
    if ((name === 'host' || name.startsWith('x-acs-')) && !signed.has(name)) throw incompleteSignature()
  }
  if (!equalText(createHash('sha256').update(request.body).digest('hex'), payloadHash.toLowerCase()))
    throw signatureDoesNotMatch()
  return {
    accessKeyId: authorization.accessKeyId,
    securityToken: request.header('x-acs-security-token') || undefined,
    timestamp: request.header('x-acs-date'),
    nonce,
    signature: authorization.signature,
    expected: (secret) =>
      acs3Signature(
        secret,
        acs3StringToSign({
          method: request.method,
          path: request.path,
          query: request.query,
          headers: request.headers,
          signedHeaders: authorization.signedHeaders,
          payloadHash,
        }),
      ),
  }
}

function required(request: KmsRequest, name: string): string {
  const value = request.parameter(name)
  if (!value) throw missingParameter(name)
  return value
}

function parseTimestamp(text: string | undefined): number {
  if (!text) throw illegalTimestamp()
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw timestampFormat()
  return time
}

function equalText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
