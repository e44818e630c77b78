import { invalidParameter } from './error-catalog.ts'

const MAX_CHARACTERS = 8192

/**
 * The bytes that bind a context to a blob: equal for contexts that say the same, in whatever order and spelling.
 * An empty context is none.
 *
 * @param text - the parameter's value, a JSON object of strings
 * @param name - the parameter's name, for the refusal
 * @throws KmsError `InvalidParameter` for anything else
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
    // Refused below, like any other text.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidParameter(name)
  return value
}
