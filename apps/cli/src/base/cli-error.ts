/** The kind of a failure. Each kind has its own exit code. */
export type CliErrorKind = 'other' | 'usage' | 'configuration' | 'notFound' | 'service' | 'decryption'

/** A failure that the command line itself detects, with a message for the user. */
export class CliError extends Error {
  override readonly name: string = 'CliError'
  readonly kind: CliErrorKind

  constructor(kind: CliErrorKind, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
  }
}

/** Creates the error for invalid arguments or options. */
export function usageError(message: string): CliError {
  return new CliError('usage', message)
}

/** Creates the error for missing or invalid keys, credentials or settings. */
export function configurationError(message: string, cause?: unknown): CliError {
  return new CliError('configuration', message, { cause })
}

/** Returns the code of a system error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
