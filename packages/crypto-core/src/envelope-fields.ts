import { CseError } from './errors.ts'

/** Returns the error for an object whose envelope is incomplete or contradicts itself. */
export function damagedEnvelope(why: string): CseError {
  return new CseError(
    'ERR_CSE_ENVELOPE_DAMAGED',
    `The object's encryption envelope is damaged: ${why}. Do not treat the object as plaintext.`,
  )
}

/** Returns the values of required headers. A missing or empty one is an error. */
export function requiredFields<const Names extends readonly string[]>(
  headers: Readonly<Record<string, string>>,
  fields: Names,
): { [Index in keyof Names]: string } {
  const missing = fields.filter((field) => !headers[field])
  if (missing.length > 0) throw damagedEnvelope(`${missing.join(', ')} missing or empty`)
  return fields.map((field) => headers[field]) as { [Index in keyof Names]: string }
}

/** Returns the value of an optional header that holds a decimal number. */
export function decimalField(headers: Readonly<Record<string, string>>, field: string): number | undefined {
  const text = headers[field]
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw damagedEnvelope(`${field} is not a decimal number`)
  }
  return value
}

const HEADER_TEXT = /^[\x21-\x7e]+$/

/**
 * Checks that fields of an envelope are valid in headers.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` that names the first invalid field.
 */
export function checkHeaderTexts(fields: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(fields)) {
    if (typeof text === 'string' && HEADER_TEXT.test(text)) continue
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `The envelope's ${name} must be printable ASCII without spaces.`,
    )
  }
}
