import { inspect } from 'node:util'
import type { Envelope, MasterKeyProvider } from '@oss-cse/crypto-core'

/** Collects everything that is shown to somebody, and finds secrets in it. */
export class SecretScan {
  readonly #secrets = new Map<string, string>()
  readonly #shown: { readonly where: string; readonly text: string; readonly compact: string }[] = []

  /** How many things were shown. */
  get size(): number {
    return this.#shown.length
  }

  /** A text that must not be shown, nor its base64, hexadecimal or percent-encoded form. */
  addText(name: string, text: string): void {
    this.#secrets.set(name, text)
    this.#secrets.set(`${name}, percent-encoded`, encodeURIComponent(text))
    this.addBytes(name, Buffer.from(text))
  }

  /** Bytes that must not be shown in any usual form. */
  addBytes(name: string, bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes)
    this.#secrets.set(`${name}, hexadecimal`, buffer.toString('hex'))
    this.#secrets.set(`${name}, base64`, buffer.toString('base64').replace(/=+$/, ''))
    this.#secrets.set(`${name}, base64url`, buffer.toString('base64url'))
    // As `inspect` and `JSON.stringify` show an array, without their spaces.
    const beginning = Array.from(buffer.subarray(0, 12))
    this.#secrets.set(`${name}, numbers`, beginning.join(','))
    this.#secrets.set(`${name}, properties`, beginning.map((byte, i) => `"${i}":${byte}`).join(','))
  }

  /** The body of a PEM text, line by line. */
  addPem(name: string, pem: string): void {
    for (const [index, line] of pem.split('\n').entries()) {
      if (/^[A-Za-z0-9+/=]{20,}$/.test(line)) this.#secrets.set(`${name}, line ${index + 1}`, line)
    }
  }

  /** A text that was shown. */
  showText(where: string, text: string): void {
    this.#shown.push({ where, text, compact: text.replaceAll(/\s/g, '') })
  }

  /** A value as people look at values: inspected to the last, as text, as JSON. */
  show(where: string, value: unknown): void {
    this.showText(where, inspect(value, { depth: 20, showHidden: true, getters: true, maxArrayLength: 1000 }))
    this.showText(where, String(value))
    this.showText(where, safeJson(value))
    if (value instanceof Error) this.showText(where, value.stack ?? '')
  }

  /** A provider that works like this one, and whose content keys are secrets. */
  watch(provider: MasterKeyProvider): MasterKeyProvider {
    return new Proxy(provider, {
      get: (target, name) => {
        if (name === 'generateContentKey') {
          return async (...args: Parameters<MasterKeyProvider['generateContentKey']>) => {
            const made = await target.generateContentKey(...args)
            this.addBytes('a CEK', made.cek)
            return made
          }
        }
        if (name === 'unwrap') {
          return async (...args: [Envelope]) => {
            const key = await target.unwrap(...args)
            this.addBytes('a CEK', key.cek)
            return key
          }
        }
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  /** What was shown and where. */
  findings(): readonly string[] {
    const found: string[] = []
    for (const [name, secret] of this.#secrets) {
      for (const { where, text, compact } of this.#shown) {
        if (text.includes(secret) || compact.includes(secret)) found.push(`${name} in ${where}`)
      }
    }
    return found
  }
}

function safeJson(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? ''
    )
  } catch {
    return ''
  }
}
