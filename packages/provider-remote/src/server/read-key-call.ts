import { concatBytes, decodeBase64 } from '@oss-cse/crypto-core'
import { IV_BYTES } from '@oss-cse/crypto-core/internal'
import * as v from 'valibot'
import {
  CONTENT_TYPE,
  type KeyRequest,
  MAX_REQUESTS,
  PROTOCOL_VERSION,
  REQUEST_HEADER,
} from '../key-protocol.ts'

/** More than 100 requests with the longest names need. */
const MAX_BODY_BYTES = 1024 * 1024
const SHA256_BYTES = 32
/** An uncompressed point of P-256. */
const PUBLIC_KEY_BYTES = 65

const text = (maxLength: number) => v.pipe(v.string(), v.maxLength(maxLength))
const base64 = (lengthBytes: number) =>
  v.pipe(
    text(2 * lengthBytes),
    v.check((value) => decodeBase64(value)?.length === lengthBytes),
  )
const Named = {
  key: text(1024),
  location: v.optional(text(2048)),
  keyIdentity: v.optional(v.pipe(text(1024), v.nonEmpty())),
}
const Call = v.strictObject({
  version: v.literal(PROTOCOL_VERSION),
  publicKey: base64(PUBLIC_KEY_BYTES),
  requests: v.pipe(
    v.array(
      v.variant('operation', [
        v.strictObject({
          operation: v.literal('unwrap'),
          ...Named,
          versionId: v.optional(v.pipe(text(1024), v.nonEmpty())),
          envelopeDigest: base64(SHA256_BYTES),
        }),
        v.strictObject({
          operation: v.literal('generate'),
          ...Named,
          iv: base64(IV_BYTES),
          wrapAlgorithm: text(256),
          materialDescription: text(8192),
        }),
      ]),
    ),
    v.minLength(1),
    v.maxLength(MAX_REQUESTS),
  ),
})

/** A call that was checked. */
export interface CheckedCall {
  readonly callerKey: Uint8Array<ArrayBuffer>
  readonly requests: readonly KeyRequest[]
}

/** Why a call is refused before anything in it was looked at. */
export interface CallRefusal {
  readonly status: number
  readonly reason: string
}

/**
 * Reads a call. What a page of another site can send without asking is refused first: a form, or a `fetch` without a preflight.
 */
export async function readKeyCall(request: Request): Promise<CheckedCall | CallRefusal> {
  if (request.method !== 'POST') return { status: 405, reason: 'Only POST is supported.' }
  const [contentType = ''] = (request.headers.get('content-type') ?? '').split(';')
  if (contentType.trim().toLowerCase() !== CONTENT_TYPE) {
    return { status: 415, reason: `The content type must be ${CONTENT_TYPE}.` }
  }
  if (request.headers.get(REQUEST_HEADER) !== String(PROTOCOL_VERSION)) {
    return { status: 400, reason: `The header ${REQUEST_HEADER}: ${PROTOCOL_VERSION} is missing.` }
  }
  const body = await readBody(request)
  if (body === undefined) return { status: 413, reason: `The body has more than ${MAX_BODY_BYTES} bytes.` }
  const result = v.safeParse(Call, parsed(body), { abortEarly: true })
  if (!result.success) return { status: 400, reason: 'The body is not a call of a RemoteProvider.' }
  const { publicKey, requests } = result.output
  return { callerKey: Uint8Array.from(decodeBase64(publicKey) ?? []), requests }
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}

/** Returns `undefined` for a body that is too long, and reads no more of it. A body that breaks off is no JSON. */
async function readBody({ headers, body }: Request): Promise<Uint8Array | undefined> {
  if (Number(headers.get('content-length') ?? 0) > MAX_BODY_BYTES) return undefined
  const reader = body?.getReader()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
    if (done || value === undefined) break
    sizeBytes += value.length
    if (sizeBytes > MAX_BODY_BYTES) {
      void reader.cancel().catch(() => {})
      return undefined
    }
    chunks.push(value)
  }
  return concatBytes(chunks)
}
