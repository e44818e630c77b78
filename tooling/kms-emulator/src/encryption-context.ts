import { invalidParameter } from './error-catalog.ts'

const MAX_CHARACTERS = 8192

/**
 * Returns the bytes that bind a context to a blob. They are equal for equal contexts, whatever the order and the
 * escaping of the JSON. An empty context is the same as no context.
 *
 * @param text - the parameter's value, a JSON object of strings
 * @param name - the parameter's name, for the error
 * @throws KmsError `InvalidParameter` if the value is anything else
 */
export function bindEncryptionContext(text: string | undefined, name: string): Uint8Array {
  if (text === undefined || text === '') return new Uint8Array()
  const entries = Object.entries(parseObject(text, name))
  if (entries.length === 0) return new Uint8Array()
  if (!entries.every(([, value]) => typeof value === 'string')) throw invalidParameter(name)
  return Buffer.from(JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1))), 'utf8')
}

function parseObject(text: string, name: string): object {
  let value: unknown
  try {
    if (text.length <= MAX_CHARACTERS) value = JSON.parse(text)
  } catch {
    // The check below refuses it like any other text.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidParameter(name)
  return value
}
