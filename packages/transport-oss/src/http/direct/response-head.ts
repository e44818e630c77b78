import { nodeHttp } from '../node-modules.ts'
import type { ResponseHead } from '../streamed-response.ts'

/** The head of a response whose body has a stated length. */
export interface DirectHead extends ResponseHead {
  /** The length of the body in bytes. */
  readonly length: number
  /** How long the connection may wait for its next request, in milliseconds. 0: it must be closed. */
  readonly keepAliveMs: number
}

/** That of Node.js. It can be set lower by an option of the process. */
const MAX_HEAD_BYTES = Math.min(16 * 1024, nodeHttp().maxHeaderSize)
/** Far more than a response of the service has. Node.js drops those above 1,000. */
const MAX_FIELDS = 256
const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a
const DELETE = 0x7f
const START = 'HTTP/1.1 '
/** RFC 9110, 5.6.2. */
const TOKEN = tableOf("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
/** Fields with a meaning for the connection or the length of the body, beyond those that are read below. */
const UNREAD = new Set(['transfer-encoding', 'upgrade', 'trailer', 'proxy-connection', '__proto__'])

type Place = 'start' | 'status' | 'reason' | 'reasonEnd' | 'line' | 'name' | 'value' | 'valueEnd' | 'end'

/**
 * Reads the head of a response, byte by byte as it arrives. It accepts only what has one meaning: HTTP/1.1, a final
 * status, and a body of a stated length. It declines all else at the first byte that shows it, so that the parser of
 * Node.js decides about it.
 */
export class ResponseHeadReader {
  #place: Place = 'start'
  /** The bytes of all calls. */
  #size = 0
  /** The text of the current place, as far as it has come. */
  #text = ''
  #status = ''
  #name = ''
  readonly #fields = new Map<string, string>()
  #head: DirectHead | undefined

  /** The head, once it is complete. */
  get head(): DirectHead | undefined {
    return this.#head
  }

  /**
   * Reads bytes up to the end of the head.
   *
   * @returns the number of bytes that belong to the head, or undefined to decline
   */
  read(bytes: Buffer): number | undefined {
    let begin = 0
    const text = (end: number): string => {
      const whole = this.#text + bytes.toString('latin1', begin, end)
      this.#text = ''
      return whole
    }
    for (let i = 0; i < bytes.length; i++) {
      if (++this.#size >= MAX_HEAD_BYTES) return undefined
      const byte = bytes[i] as number
      switch (this.#place) {
        case 'start':
          if (byte !== START.charCodeAt(this.#size - 1)) return undefined
          if (this.#size < START.length) break
          this.#place = 'status'
          begin = i + 1
          break
        case 'status':
          // Three digits and a space.
          if (this.#size <= START.length + 3) {
            if (!isDigit(byte)) return undefined
            break
          }
          this.#status = text(i)
          if (byte !== SPACE || !isReadable(this.#status)) return undefined
          this.#place = 'reason'
          break
        case 'reason':
          if (byte === CR) this.#place = 'reasonEnd'
          else if (!isText(byte)) return undefined
          break
        case 'reasonEnd':
        case 'valueEnd':
          if (byte !== LF) return undefined
          this.#place = 'line'
          break
        case 'line':
          begin = i
          if (byte === CR) this.#place = 'end'
          else if (TOKEN[byte]) this.#place = 'name'
          // Also a line that continues the one before.
          else return undefined
          break
        case 'name':
          if (TOKEN[byte]) break
          if (byte !== COLON) return undefined
          this.#name = text(i).toLowerCase()
          if (!this.#accepts(this.#name)) return undefined
          this.#place = 'value'
          begin = i + 1
          break
        case 'value':
          if (byte === CR) {
            if (!this.#add(text(i))) return undefined
            this.#place = 'valueEnd'
          } else if (!isText(byte)) return undefined
          break
        case 'end':
          if (byte !== LF) return undefined
          this.#head = this.#finish()
          return this.#head === undefined ? undefined : i + 1
      }
    }
    if (['status', 'name', 'value'].includes(this.#place)) this.#text += bytes.toString('latin1', begin)
    return bytes.length
  }

  #accepts(name: string): boolean {
    return (
      this.#fields.size < MAX_FIELDS &&
      !UNREAD.has(name) &&
      (name === 'set-cookie' || !this.#fields.has(name))
    )
  }

  /** @param text - the value with the white space around it */
  #add(text: string): boolean {
    const name = this.#name
    // Tabulators in these two are read in different ways by the parsers of Node.js 20 and 24.
    if (name === 'content-length' && !/^ *\d{1,15} *$/.test(text)) return false
    if (name === 'connection' && !/^ *(?:keep-alive|close) *$/i.test(text)) return false
    const value = text.replace(/^[ \t]+|[ \t]+$/g, '')
    const earlier = this.#fields.get(name)
    this.#fields.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
    return true
  }

  #finish(): DirectHead | undefined {
    const length = this.#fields.get('content-length')
    if (length === undefined) return undefined
    return {
      status: Number(this.#status),
      headers: Object.fromEntries(this.#fields),
      length: Number(length),
      keepAliveMs:
        this.#fields.get('connection')?.toLowerCase() === 'close'
          ? 0
          : keepAliveMs(this.#fields.get('keep-alive')),
    }
  }
}

/** A final status, of a response that has a body. */
function isReadable(status: string): boolean {
  return status >= '200' && status !== '204' && status !== '304'
}

/** Reads the hint of the server as Node.js lib/_http_agent.js does: with a second to spare. */
function keepAliveMs(hint: string | undefined): number {
  const seconds = /^timeout=(\d+)/.exec(hint ?? '')?.[1]
  return seconds === undefined ? Number.POSITIVE_INFINITY : Math.max(0, (Number(seconds) - 1) * 1000)
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** What may stand in a value: no control characters but the tabulator. */
function isText(byte: number): boolean {
  return byte === TAB || (byte >= SPACE && byte !== DELETE)
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}
