import { type ClosedRange, CseError, TransportError } from '@oss-cse/crypto-core'
import { CommanderError } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError, type CliErrorKind } from '../base/cli-error.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts'
import { tellingOf } from './library-words.ts'
import { TransferFailure } from './transfer-failure.ts'
import { withoutPasswords } from './without-passwords.ts'

/** The failure of a command, in the words of the command line. */
export interface Failure {
  readonly exitCode: ExitCode
  /** A library's `ERR_CSE_…`, or one of the command line's own: `USAGE`, `INTERRUPTED`, … */
  readonly code: string
  readonly message: string
  /** What the user can do next. */
  readonly hint?: string
  /** The key of the object at fault. */
  readonly objectKey?: string
  /** The bytes of the plaintext at fault. */
  readonly byteRange?: ClosedRange
  /** From the service's response: the HTTP status, the request id, and the detailed error number. */
  readonly status?: number
  readonly requestId?: string
  readonly ec?: string
}

const KIND_CODES: Readonly<Record<CliErrorKind, string>> = {
  other: 'FAILURE',
  usage: 'USAGE',
  configuration: 'CONFIGURATION',
  notFound: 'NOT_FOUND',
  service: 'SERVICE',
  decryption: 'DECRYPTION',
}

/** A failure after which no more JSON may be printed: the JSON object already reports it, or was already complete. */
export class ToldFailure extends Error {
  override readonly name: string = 'ToldFailure'

  /** @param cause - what went wrong */
  constructor(cause: unknown) {
    super('told', { cause })
  }
}

/** Returns the original error of a command, without its wrappers. */
export function originOf(thrown: unknown): unknown {
  const inner = thrown instanceof ToldFailure || thrown instanceof TransferFailure ? thrown.cause : thrown
  return inner === thrown ? ownCause(inner) : originOf(inner)
}

/** Describes what a command threw. */
export function failureOf(thrown: unknown, cli: Pick<CliEnvironment, 'signal'>): Failure {
  const error = originOf(thrown)
  const transfer = thrown instanceof ToldFailure ? thrown.cause : thrown
  const progress = transfer instanceof TransferFailure ? transfer.hint : undefined
  if (cli.signal.aborted) {
    return {
      exitCode: EXIT.interrupted,
      code: 'INTERRUPTED',
      message: ['Interrupted.', progress].filter(Boolean).join(' '),
    }
  }
  if (error instanceof CommanderError) {
    return { exitCode: EXIT.usage, code: KIND_CODES.usage, message: withoutPasswords(usageText(error)) }
  }
  const telling = CseError.isInstance(error) ? tellingOf(error) : undefined
  const hint = [telling?.hint, progress].filter(Boolean).join(' ')
  return {
    exitCode: exitCodeOf(error),
    code: codeOf(error),
    message: withoutPasswords(telling?.message ?? messageOf(error)),
    ...(hint !== '' && { hint }),
    ...detailsOf(error),
  }
}

/** An error of the command line inside a library's error says more: for example, when the library asked for credentials. */
function ownCause(error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof CliError) return cause
  }
  return error
}

function codeOf(error: unknown): string {
  return libraryError(error)?.code ?? (error instanceof CliError ? KIND_CODES[error.kind] : KIND_CODES.other)
}

/** Returns the library's error, even when it is the cause of an error of the command line. */
function libraryError(error: unknown): CseError | undefined {
  if (CseError.isInstance(error)) return error
  return error instanceof CliError && CseError.isInstance(error.cause) ? error.cause : undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}

function detailsOf(error: unknown): Partial<Failure> {
  const coded = libraryError(error)
  if (coded === undefined) return {}
  const { objectKey, byteRange } = coded
  const { status, requestId, ec } = TransportError.isInstance(coded) ? coded : {}
  return {
    ...(objectKey !== undefined && { objectKey }),
    ...(byteRange !== undefined && { byteRange }),
    ...(status !== undefined && { status }),
    ...(requestId !== undefined && { requestId }),
    ...(ec !== undefined && { ec }),
  }
}

/** Commander's message. Commander has none when it shows the help instead. */
function usageText({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'The command is missing. Run with --help to list the commands.'
  const text = message.replace(/^error: /, '').replaceAll('\n', ' ')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?)]$/.test(text) ? '' : '.'}`
}
