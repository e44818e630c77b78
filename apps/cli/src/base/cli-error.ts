/** What kind of failure a command met; each kind has its own exit code. */
export type CliErrorKind = 'other' | 'usage' | 'configuration' | 'notFound' | 'service' | 'decryption'

/** A failure that the command line itself noticed, with a message for the person at the shell. */
export class CliError extends Error {
  override readonly name: string = 'CliError'
  readonly kind: CliErrorKind

  constructor(kind: CliErrorKind, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
  }
}

/** The error of arguments or options that make no sense. */
export function usageError(message: string): CliError {
  return new CliError('usage', message)
}

/** The error of missing or unusable keys, credentials or settings. */
export function configurationError(message: string, cause?: unknown): CliError {
  return new CliError('configuration', message, { cause })
}

/** The code of a file system error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
