import { createHash } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { v1Signature, v1StringsToSign } from '../auth/signature-v1.ts'
import type { OssEmulator } from '../emulator.ts'
import { parseQuery } from '../protocol/oss-request.ts'

/** A response with its whole body. */
export interface RawResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The text of one element of an XML body. */
  element(name: string): string | undefined
}

/** The request to send. */
export interface RawRequest {
  readonly method?: string
  readonly bucket?: string
  /** Not escaped. */
  readonly key?: string
  /** The raw query, without `?`. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Leaves out Content-Length and sends the body in chunks. */
  readonly chunked?: boolean
  /** Sends neither a body nor a length. */
  readonly noLength?: boolean
  readonly secret?: string
  readonly accessKeyId?: string
  readonly date?: Date
}

/** Sends a V1-signed request in path style. It adds only the date and the signature. */
export function signedRequest(emulator: OssEmulator, options: RawRequest): Promise<RawResponse> {
  const method = options.method ?? 'GET'
  const bucket = options.bucket ?? 'demo'
  const key = options.key ?? ''
  const query = options.query ?? ''
  const date = (options.date ?? new Date()).toUTCString()
  const headers: Record<string, string> = { 'x-oss-date': date }
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = value
  const [stringToSign = ''] = v1StringsToSign({
    method,
    headers: new Map(Object.entries(headers)),
    parameters: parseQuery(query),
    location: { bucket, key },
    date,
  })
  const signature = v1Signature(options.secret ?? emulator.accessKeySecret, stringToSign)
  headers['authorization'] = `OSS ${options.accessKeyId ?? emulator.accessKeyId}:${signature}`
  const path = `/${bucket}${key === '' ? '' : `/${encodeURIComponent(key)}`}`
  return rawRequest(emulator.port, {
    ...options,
    method,
    headers,
    path: query === '' ? path : `${path}?${query}`,
  })
}

/** Sends a request exactly as given, without a signature of its own. */
export function rawRequest(
  port: number,
  options: Omit<RawRequest, 'key' | 'bucket' | 'query'> & { readonly path: string },
): Promise<RawResponse> {
  const body = options.body === undefined ? undefined : Buffer.from(options.body as Uint8Array)
  const sendsBody = !['GET', 'HEAD', 'DELETE'].includes(options.method ?? 'GET') || body !== undefined
  const length =
    options.chunked || options.noLength || !sendsBody ? {} : { 'content-length': String(body?.length ?? 0) }
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        port,
        host: '127.0.0.1',
        method: options.method ?? 'GET',
        path: options.path,
        headers: { ...length, ...options.headers },
        agent: false,
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const whole = Buffer.concat(chunks)
          const text = whole.toString('utf8')
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: whole,
            element: (name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1],
          })
        })
      },
    )
    outgoing.on('error', reject)
    if (options.noLength) {
      outgoing.useChunkedEncodingByDefault = false
      outgoing.removeHeader('transfer-encoding')
    }
    outgoing.end(body)
  })
}

/** The MD5 in upper-case hexadecimal digits, as in an ETag. */
export function md5Hex(bytes: Uint8Array | string): string {
  return createHash('md5').update(bytes).digest('hex').toUpperCase()
}

/** The headers of a complete envelope. The server does not check the values. */
export function envelope(
  overrides: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const names: Record<string, string | undefined> = {
    key: 'a2V5',
    start: 'c3RhcnQ=',
    'cek-alg': 'AES/CTR/NoPadding',
    'wrap-alg': 'RSA/NONE/PKCS1Padding',
    ...overrides,
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(names)) {
    if (value !== undefined) headers[`x-oss-meta-client-side-encryption-${name}`] = value
  }
  return headers
}
