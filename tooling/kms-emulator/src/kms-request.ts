import type { IncomingMessage } from 'node:http'
import { escapeBytes, unescapeFormText } from './escape.ts'

/** One parameter of the query or of a form, decoded. `k` and `k=` both have the empty value. */
export interface Parameter {
  readonly name: string
  readonly value: string
  /** Name and value as signed: from the received bytes, even if these are not UTF-8. */
  readonly signed: readonly [string, string]
}

/** The generation of the protocol. It determines how a request is signed. */
export type Protocol = 'rpc' | 'acs3'

/** A received request with decoded parameters. */
export class KmsRequest {
  readonly method: string
  /** The path of the request target, still escaped. */
  readonly path: string
  readonly query: readonly Parameter[]
  /** The parameters of a form body. Empty for any other body. */
  readonly form: readonly Parameter[]
  /** Header values by lower-case name. Repeated headers are joined by a comma. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array

  constructor(message: IncomingMessage, body: Uint8Array) {
    this.method = message.method ?? 'GET'
    const target = (message.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '')
    const question = target.indexOf('?')
    this.path = (question < 0 ? target : target.slice(0, question)) || '/'
    this.query = question < 0 ? [] : parseParameters(target.slice(question + 1))
    const headers = new Map<string, string>()
    for (let i = 0; i + 1 < message.rawHeaders.length; i += 2) {
      const name = (message.rawHeaders[i] as string).toLowerCase()
      const value = (message.rawHeaders[i + 1] as string).trim()
      const earlier = headers.get(name)
      headers.set(name, earlier === undefined ? value : `${earlier},${value}`)
    }
    this.headers = headers
    this.body = body
    this.form = /^application\/x-www-form-urlencoded\b/i.test(headers.get('content-type') ?? '')
      ? parseParameters(Buffer.from(body).toString('utf8'))
      : []
  }

  get protocol(): Protocol {
    return this.headers.has('authorization') ? 'acs3' : 'rpc'
  }

  /** The operation. Old clients also send the headers of the new protocol, but do not sign them. */
  get action(): string | undefined {
    return this.protocol === 'acs3' ? this.header('x-acs-action') : this.parameter('Action')
  }

  get version(): string | undefined {
    return this.protocol === 'acs3' ? this.header('x-acs-version') : this.parameter('Version')
  }

  header(name: string): string | undefined {
    return this.headers.get(name)
  }

  parameter(name: string): string | undefined {
    const find = (parameters: readonly Parameter[]): string | undefined =>
      parameters.find((parameter) => parameter.name === name)?.value
    return find(this.query) ?? find(this.form)
  }
}

/** Splits a raw query or form. */
export function parseParameters(text: string): Parameter[] {
  return text
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=')
      const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)]
      return parameter(unescapeFormText(name), unescapeFormText(value))
    })
}

/** Makes a parameter from bytes. */
export function parameter(name: Buffer, value: Buffer): Parameter {
  return { name: name.toString(), value: value.toString(), signed: [escapeBytes(name), escapeBytes(value)] }
}

/** Returns parameters as both signatures require them: escaped, sorted and joined. */
export function canonicalParameters(parameters: readonly Parameter[]): string {
  return parameters
    .map(({ signed }) => signed)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&')
}
