import { invalidParameter } from './error-catalog.ts'

const MAX_CHARACTERS = 8192

/**
 * Returns the bytes that bind a context to a blob. Contexts with the same pairs have the same bytes, in any order and
 * spelling. An empty context counts as none.
 *
 * @param text - the value of the parameter, a JSON object of strings
 * @param name - the name of the parameter, for the refusal
 * @throws KmsError `InvalidParameter` for any other value
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
