/** Key material, a password or a token. */
export type Secret = Uint8Array | string

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/**
 * Tells whether what a logger would print of a value holds one of the secrets, in clear or in a usual notation: its
 * text, its JSON, and its properties, as deep as they go.
 */
export function showsSecret(value: unknown, secrets: readonly Secret[]): boolean {
  const text = printed(value)
  return secrets.some((secret) => notations(secret).some((notation) => text.includes(notation)))
}

/** All that a logger may make of a value, without the tools of a runtime. */
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

/** What a value that prints itself chose to show: then its properties are not what Node.js prints. */
function inspected(value: object): unknown {
  const inspect: unknown = (value as Readonly<Record<symbol, unknown>>)[INSPECT]
  try {
    return typeof inspect === 'function' ? inspect.call(value, 2, {}, jsonOf) : undefined
  } catch {
    return undefined
  }
}

/** The texts and bytes in a value's own properties; an error's message and cause are such, although not enumerable. */
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
