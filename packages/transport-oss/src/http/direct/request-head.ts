import type { Address } from '../address.ts'
import type { OutgoingRequest } from '../http-exchange.ts'
import { nodeHttp } from '../node-modules.ts'

/** Headers that change what Node.js sends, or how it reads the response. */
const DECISIVE = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** As Node.js lib/_http_client.js. */
const INVALID_PATH = /[^\u0021-\u00ff]/

/**
 * Returns the request as Node.js sends it with an agent that keeps connections: every character is a byte. Returns
 * undefined for a request that Node.js might refuse or change.
 */
export function requestHead(address: Address, { method, headers }: OutgoingRequest): string | undefined {
  const { path, hostname } = address
  if (method !== 'GET' || hostname === '' || !path.startsWith('/') || INVALID_PATH.test(path))
    return undefined
  const { validateHeaderName, validateHeaderValue } = nodeHttp()
  let lines = ''
  let host = ''
  for (const [name, value] of Object.entries(headers)) {
    if (DECISIVE.has(name) || name !== name.toLowerCase()) return undefined
    if (typeof value !== 'string' && typeof value !== 'number') return undefined
    const text = String(value)
    try {
      validateHeaderName(name)
      validateHeaderValue(name, text)
    } catch {
      return undefined
    }
    if (name === 'host') {
      // Node.js takes its own in place of '', and refuses a number.
      if (typeof value !== 'string' || value === '') return undefined
      host = value
    }
    lines += `${name}: ${text}\r\n`
  }
  if (host === '') lines += `Host: ${hostOf(address)}\r\n`
  return `GET ${path} HTTP/1.1\r\n${lines}Connection: keep-alive\r\n\r\n`
}

function hostOf({ secure, hostname, port }: Address): string {
  const host = hostname.includes(':') ? `[${hostname}]` : hostname
  return port === '' || Number(port) === (secure ? 443 : 80) ? host : `${host}:${port}`
}
