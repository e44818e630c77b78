/** Key material, a password or a token. */
export type Secret = Uint8Array | string

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/**
 * Tells whether a logger that prints a value would reveal one of the secrets. It searches the value's text, its JSON,
 * and its properties at any depth. It finds a secret in plaintext and in the usual encodings.
 */
export function showsSecret(value: unknown, secrets: readonly Secret[]): boolean {
  const text = printed(value)
  return secrets.some((secret) => notations(secret).some((notation) => text.includes(notation)))
}

/** Returns all texts that a logger may print for a value. It uses no API of a runtime. */
function printed(value: unknown): string {
  return [stringOf(value), jsonOf(value), ...propertiesOf(value, new Set())].join('\n')
}

function stringOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return ''
  }
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}

/** Returns what a value with its own `inspect` shows. Node.js prints that instead of its properties. */
function inspected(value: object): unknown {
  const inspect: unknown = (value as Readonly<Record<symbol, unknown>>)[INSPECT]
  try {
    return typeof inspect === 'function' ? inspect.call(value, 2, {}, jsonOf) : undefined
  } catch {
    return undefined
  }
}

/** Yields the texts and bytes in a value's own properties. Those of an error include its message and cause. */
function* propertiesOf(value: unknown, seen: Set<object>): Generator<string, void, undefined> {
  if (typeof value === 'string') yield value
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  if (ArrayBuffer.isView(value)) {
    yield hexOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    return
  }
  if (INSPECT in value) {
    yield* propertiesOf(inspected(value), seen)
    return
  }
  if (value instanceof Map || value instanceof Set) {
    for (const item of value) yield* propertiesOf(item, seen)
  }
  const names = value instanceof Error ? Object.getOwnPropertyNames(value) : Object.keys(value)
  for (const name of names) yield* propertiesOf((value as Readonly<Record<string, unknown>>)[name], seen)
}

function notations(secret: Secret): readonly string[] {
  if (typeof secret === 'string') return [secret, JSON.stringify(secret).slice(1, -1)]
  const binary = String.fromCharCode(...secret)
  const base64 = btoa(binary).replace(/=+$/, '')
  const hex = hexOf(secret)
  const decimal = Array.from(secret)
  return [
    binary,
    base64,
    base64.replaceAll('+', '-').replaceAll('/', '_'),
    hex,
    hex.toUpperCase(),
    decimal.join(','),
    decimal.join(', '),
    decimal.map((byte, index) => `"${index}":${byte}`).join(','),
  ]
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
