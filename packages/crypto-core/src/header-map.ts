import { CseError } from './errors.ts'
import { isEnvelopeHeader, USER_METADATA_PREFIX } from './headers.ts'
import type { HeaderMap } from './ports.ts'

/** The service's limit on user metadata: all names and values together, in bytes. */
const USER_METADATA_LIMIT_BYTES: number = 8 * 1024

/**
 * Metadata names that every JavaScript object has. A reader that keeps metadata in a plain object loses such a value,
 * or mistakes the inherited one for it.
 */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Tells whether a header (its name in lower case) is user metadata under a reserved name. */
export function isReservedMetadata(lowerName: string): boolean {
  return (
    lowerName.startsWith(USER_METADATA_PREFIX) &&
    RESERVED_NAMES.has(lowerName.slice(USER_METADATA_PREFIX.length))
  )
}

const METADATA_NAME = /^[A-Za-z0-9-]+$/
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/

/**
 * Returns the headers with names in lower case.
 *
 * @throws CseError `ERR_CSE_ENVELOPE_DAMAGED` when an envelope header occurs twice with different values. For any other
 * header the last value is used.
 */
export function lowerCaseHeaders(headers: HeaderMap): Record<string, string> {
  const lower = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase()
    if (lower.has(key) && lower.get(key) !== value && isEnvelopeHeader(key)) {
      throw new CseError(
        'ERR_CSE_ENVELOPE_DAMAGED',
        `The envelope header ${key} occurs twice, with different values.`,
      )
    }
    lower.set(key, value)
  }
  return Object.fromEntries(lower)
}

/**
 * Returns the headers of a user's metadata.
 *
 * @param metadata - names without the `x-oss-meta-` prefix, of letters, digits and `-`; values in printable ASCII
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a name or value that would be altered on its way, a name that is
 * given twice, one that belongs to the envelope, and `__proto__`, `constructor` and `prototype`.
 */
export function metadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(metadata)) {
    const header = USER_METADATA_PREFIX + name.toLowerCase()
    if (isReservedMetadata(header)) {
      throw invalidMetadata(
        `the name ${name} is reserved, because every JavaScript object has it: choose another one`,
      )
    }
    if (!METADATA_NAME.test(name)) {
      throw invalidMetadata(`the name ${JSON.stringify(name)} may contain only letters, digits and "-"`)
    }
    if (isEnvelopeHeader(header)) throw invalidMetadata(`the name ${name} belongs to the encryption envelope`)
    if (headers.has(header)) throw invalidMetadata(`the name ${name} is given twice (names ignore case)`)
    if (typeof value !== 'string' || !PRINTABLE_ASCII.test(value) || value !== value.trim()) {
      throw invalidMetadata(
        `the value of ${name} must be printable ASCII without a space at either end: encode anything else, for example as base64`,
      )
    }
    headers.set(header, value)
  }
  return Object.fromEntries(headers)
}

/**
 * Returns the user's own metadata from an object's headers: names without the prefix, without the envelope.
 *
 * @returns own properties, even for `__proto__` and `constructor`, which other writers may have stored
 */
export function userMetadata(headers: HeaderMap): Record<string, string> {
  const metadata = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (lower.startsWith(USER_METADATA_PREFIX) && !isEnvelopeHeader(lower)) {
      metadata.set(lower.slice(USER_METADATA_PREFIX.length), value)
    }
  }
  return Object.fromEntries(metadata)
}

/**
 * Checks that all user metadata, including the envelope, is within the limit of the service.
 *
 * @throws CseError `ERR_CSE_METADATA_TOO_LARGE`.
 */
export function checkMetadataSize(headers: HeaderMap): void {
  let size = 0
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase().startsWith(USER_METADATA_PREFIX)) size += name.length + value.length
  }
  if (size > USER_METADATA_LIMIT_BYTES) {
    throw new CseError(
      'ERR_CSE_METADATA_TOO_LARGE',
      `The user metadata and the envelope take ${size} bytes. The limit of the service is ${USER_METADATA_LIMIT_BYTES}. Shorten the metadata or the material description.`,
    )
  }
}

function invalidMetadata(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid user metadata: ${why}.`)
}
