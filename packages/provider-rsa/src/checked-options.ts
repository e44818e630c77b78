import { types } from 'node:util'
import { CseError } from '@oss-cse/crypto-core'
import { IV_BYTES } from '@oss-cse/crypto-core/internal'

/** An `ERR_CSE_INVALID_ARGUMENT`. */
export function invalidArgument(message: string, cause?: unknown): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message, { cause })
}

/** Checks that `options` is an object, and that each named option is absent or a string. */
export function checkTexts(who: string, options: object, names: Readonly<Record<string, string>>): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument(`${who} needs an options object.`)
  }
  for (const [name, what] of Object.entries(names)) {
    const type = typeof Reflect.get(options, name)
    if (type !== 'string' && type !== 'undefined') {
      throw invalidArgument(`The \`${name}\` option must be ${what}.`)
    }
  }
}

/** Checks that each key is absent, a string or bytes. */
export function checkKeys(keys: { readonly privateKey?: unknown; readonly publicKey?: unknown }): void {
  for (const name of ['privateKey', 'publicKey'] as const) {
    const key = keys[name]
    if (key !== undefined && typeof key !== 'string' && !types.isUint8Array(key)) {
      throw invalidArgument(`The \`${name}\` option must be PEM: a string or the bytes of a file.`)
    }
  }
}

/** Checks that the warning callback is absent or a function. */
export function checkOnWarning(onWarning: unknown): void {
  if (onWarning !== undefined && typeof onWarning !== 'function') {
    throw invalidArgument('The `onWarning` option must be a function.')
  }
}

/** Checks the counter block to wrap. */
export function checkIv(iv: Uint8Array): void {
  if (!types.isUint8Array(iv) || iv.length !== IV_BYTES) {
    throw invalidArgument(`The IV must be a Uint8Array of ${IV_BYTES} bytes.`)
  }
}
