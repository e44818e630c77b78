import type { IncomingMessage } from 'node:http'

/** One query parameter, decoded. Both `k` and `k=` have the empty value. */
export interface QueryParameter {
  readonly name: string
  readonly value: string
}

/** A request as sent by the client. Nothing is normalised. Header bytes are decoded as UTF-8. */
export class OssRequest {
  readonly method: string
  /** The path of the request target, still escaped. */
  readonly path: string
  /** The query of the request target, still escaped, without `?`. */
  readonly query: string
  readonly parameters: readonly QueryParameter[]
  /** Header values by lower-case name. Repeated headers are joined by a comma. */
  readonly headers: ReadonlyMap<string, string>
  /** The Host header without its port, lower-case. */
  readonly hostname: string

  constructor(message: IncomingMessage) {
    this.method = message.method ?? 'GET'
    const target = utf8(message.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '')
    const question = target.indexOf('?')
    this.path = question < 0 ? target : target.slice(0, question)
    this.query = question < 0 ? '' : target.slice(question + 1)
    this.parameters = parseQuery(this.query)
    const headers = new Map<string, string>()
    for (let i = 0; i + 1 < message.rawHeaders.length; i += 2) {
      const name = (message.rawHeaders[i] as string).toLowerCase()
      const value = utf8(message.rawHeaders[i + 1] as string).trim()
      const earlier = headers.get(name)
      headers.set(name, earlier === undefined ? value : `${earlier},${value}`)
    }
    this.headers = headers
    const host = headers.get('host') ?? ''
    this.hostname = (
      host.startsWith('[') ? host.replace(/\]:\d+$/, ']') : host.replace(/:\d*$/, '')
    ).toLowerCase()
  }

  header(name: string): string | undefined {
    return this.headers.get(name)
  }

  parameter(name: string): string | undefined {
    return this.parameters.find((parameter) => parameter.name === name)?.value
  }

  has(name: string): boolean {
    return this.parameters.some((parameter) => parameter.name === name)
  }
}

/** Node decodes the bytes of headers and targets as Latin-1. */
function utf8(latin1: string): string {
  for (let i = 0; i < latin1.length; i++) {
    if (latin1.charCodeAt(i) > 0x7f) return Buffer.from(latin1, 'latin1').toString('utf8')
  }
  return latin1
}

/** Splits a raw query. `+` means a space. A malformed escape stays as it is. */
export function parseQuery(query: string): QueryParameter[] {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=')
      return equals < 0
        ? { name: decodeFormText(part), value: '' }
        : { name: decodeFormText(part.slice(0, equals)), value: decodeFormText(part.slice(equals + 1)) }
    })
}

function decodeFormText(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
