import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { ACS3_ALGORITHM, acs3Signature, acs3StringToSign } from '../acs3-signature.ts'
import { escapeRfc3986 } from '../escape.ts'
import type { KmsEmulator } from '../kms-emulator.ts'
import { parameter } from '../kms-request.ts'
import { rpcSignature, rpcStringToSign } from '../rpc-signature.ts'

/** A complete response. */
export interface CallResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The fields of a JSON body. Empty for any other body. */
  readonly fields: Readonly<Record<string, unknown>>
  /** Status and error code. */
  readonly refusal: readonly [number, unknown]
}

/** Strings by name. */
export type Texts = Readonly<Record<string, string>>

/** The differences from a well-behaved client. */
export interface CallOptions {
  readonly method?: string
  /** Sends the parameters as a form instead of in the query. */
  readonly form?: boolean
  readonly accessKeyId?: string
  readonly accessKeySecret?: string
  readonly securityToken?: string
  readonly now?: Date
  readonly nonce?: string
  /** Parameters of the protocol that replace the usual ones, and are signed. `undefined` omits one. */
  readonly common?: Readonly<Record<string, string | undefined>>
  /** Changes in transit, which are not signed. `undefined` removes a value. */
  readonly tamper?: {
    readonly method?: string
    readonly parameters?: Readonly<Record<string, string | undefined>>
    readonly headers?: Readonly<Record<string, string | undefined>>
    readonly body?: string
  }
}

/** Sends a request of the RPC generation. */
export function rpcCall(
  emulator: KmsEmulator,
  action: string,
  parameters: Texts = {},
  options: CallOptions = {},
): Promise<CallResponse> {
  const method = options.method ?? 'POST'
  const all = withChanges(
    {
      Action: action,
      Format: 'json',
      Version: '2016-01-20',
      Timestamp: timestamp(options.now),
      SignatureNonce: options.nonce ?? randomUUID(),
      SignatureMethod: 'HMAC-SHA1',
      SignatureVersion: '1.0',
      AccessKeyId: options.accessKeyId ?? emulator.accessKeyId,
      ...(options.securityToken === undefined ? {} : { SecurityToken: options.securityToken }),
      ...parameters,
    },
    options.common,
  )
  const list = Object.entries(all).map(([name, value]) => parameter(Buffer.from(name), Buffer.from(value)))
  const secret = options.accessKeySecret ?? emulator.accessKeySecret
  const signed = { ...all, Signature: rpcSignature(secret, rpcStringToSign(method, list)) }
  const query = toQuery(withChanges(signed, options.tamper?.parameters))
  const headers = withChanges(
    options.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {},
    options.tamper?.headers,
  )
  const sentMethod = options.tamper?.method ?? method
  return options.form
    ? rawCall(emulator, { method: sentMethod, path: '/', headers, body: query })
    : rawCall(emulator, { method: sentMethod, path: `/?${query}`, headers })
}

/** Sends a request of the ACS3 generation. */
export function acs3Call(
  emulator: KmsEmulator,
  action: string,
  parameters: Texts = {},
  options: CallOptions = {},
): Promise<CallResponse> {
  const method = options.method ?? 'POST'
  const body = options.form ? toQuery(parameters) : ''
  const payloadHash = createHash('sha256').update(body).digest('hex')
  const headers = withChanges(
    {
      host: `127.0.0.1:${emulator.port}`,
      'x-acs-action': action,
      'x-acs-version': '2016-01-20',
      'x-acs-date': timestamp(options.now),
      'x-acs-signature-nonce': options.nonce ?? randomUUID(),
      'x-acs-content-sha256': payloadHash,
      ...(options.securityToken === undefined ? {} : { 'x-acs-security-token': options.securityToken }),
      ...(options.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    },
    options.common,
  )
  const query = options.form ? {} : parameters
  const signedHeaders = Object.keys(headers).sort()
  const toSign = acs3StringToSign({
    method,
    path: '/',
    query: Object.entries(query).map(([name, value]) => parameter(Buffer.from(name), Buffer.from(value))),
    headers: new Map(Object.entries(headers)),
    signedHeaders,
    payloadHash,
  })
  const signature = acs3Signature(options.accessKeySecret ?? emulator.accessKeySecret, toSign)
  const credential = options.accessKeyId ?? emulator.accessKeyId
  const authorization = `${ACS3_ALGORITHM} Credential=${credential},SignedHeaders=${signedHeaders.join(';')},Signature=${signature}`
  const sent = toQuery(withChanges(query, options.tamper?.parameters))
  return rawCall(emulator, {
    method: options.tamper?.method ?? method,
    path: sent === '' ? '/' : `/?${sent}`,
    headers: withChanges({ ...headers, authorization }, options.tamper?.headers),
    body: options.tamper?.body ?? body,
  })
}

/** Returns the fields of a response that must be successful. */
export async function succeed(call: Promise<CallResponse>): Promise<Texts> {
  const response = await call
  if (response.status !== 200) throw new Error(`unexpected response: ${response.status} ${response.text}`)
  return response.fields as Texts
}

/** Sends a request unchanged. Over TLS, it trusts only the emulator's CA. */
export function rawCall(
  { port, caFile }: Pick<KmsEmulator, 'port' | 'caFile'>,
  options: {
    readonly method: string
    readonly path: string
    readonly headers: Texts
    readonly body?: string
  },
): Promise<CallResponse> {
  return new Promise((resolve, reject) => {
    const body = Buffer.from(options.body ?? '')
    const outgoing = (caFile === undefined ? httpRequest : httpsRequest)(
      {
        ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
        host: '127.0.0.1',
        port,
        method: options.method,
        path: options.path,
        headers: { ...options.headers, 'content-length': body.length },
        agent: false,
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          const isJson = incoming.headers['content-type']?.startsWith('application/json')
          const fields = isJson ? (JSON.parse(text) as Record<string, unknown>) : {}
          const status = incoming.statusCode ?? 0
          resolve({ status, headers: incoming.headers, text, fields, refusal: [status, fields['Code']] })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function timestamp(now: Date = new Date()): string {
  return now.toISOString().replace(/\.\d+Z$/, 'Z')
}

function withChanges(texts: Texts, changes: Readonly<Record<string, string | undefined>> = {}): Texts {
  const changed: Record<string, string | undefined> = { ...texts, ...changes }
  return Object.fromEntries(
    Object.entries(changed).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

function toQuery(parameters: Texts): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${escapeRfc3986(name)}=${escapeRfc3986(value)}`)
    .join('&')
}
