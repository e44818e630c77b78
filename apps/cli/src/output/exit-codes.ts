import { CseError, type CseErrorCode } from '@oss-cse/crypto-core'
import { CliError, type CliErrorKind } from '../base/cli-error.ts'
import { isMachineLimit } from './library-words.ts'

/** The exit codes of the process. */
export const EXIT = {
  ok: 0,
  other: 1,
  usage: 2,
  configuration: 3,
  notFound: 4,
  service: 5,
  decryption: 6,
  interrupted: 130,
} as const

/** One of the exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** A short description of each exit code, for `--help`. */
export const EXIT_CODE_HELP: string = `Exit codes:
  0    success
  1    any other failure
  2    usage: invalid arguments or options, a name that is not UTF-8, a range that cannot be satisfied,
       a file that would be overwritten
  3    configuration: keys, passphrase, keyring file, credentials, region, endpoint,
       directories, packages that are not installed, CORS rules that lack something,
       a run of fleet that its failures paused
  4    not found: an object, a bucket or a local input file
  5    service: it refused the request or failed, or the network failed
  6    decryption or integrity: not encrypted, not sealed, no matching key, not authentic, damaged or changed
  130  interrupted`

const BY_CODE: Readonly<Record<CseErrorCode, ExitCode>> = {
  ERR_CSE_ACCESS_DENIED: EXIT.service,
  ERR_CSE_AUTHENTICATION_FAILED: EXIT.decryption,
  ERR_CSE_CANNOT_UNWRAP: EXIT.decryption,
  ERR_CSE_CHECKPOINT: EXIT.configuration,
  ERR_CSE_CHECKPOINT_IN_USE: EXIT.other,
  ERR_CSE_CIPHER_REUSED: EXIT.other,
  ERR_CSE_CLOCK_SKEW: EXIT.service,
  ERR_CSE_CONTENT_KEY_REUSED: EXIT.service,
  ERR_CSE_CREDENTIALS_EXPIRED: EXIT.service,
  ERR_CSE_DEADLINE_EXCEEDED: EXIT.service,
  ERR_CSE_DECOMPRESSION: EXIT.other,
  ERR_CSE_ENVELOPE_DAMAGED: EXIT.decryption,
  ERR_CSE_FILE: EXIT.other,
  ERR_CSE_INTEGRITY: EXIT.decryption,
  ERR_CSE_INVALID_ARGUMENT: EXIT.usage,
  ERR_CSE_INVALID_KEY: EXIT.configuration,
  ERR_CSE_KEY_STORE: EXIT.configuration,
  ERR_CSE_LEASE_LOST: EXIT.other,
  ERR_CSE_MASTER_KEY_DISABLED: EXIT.service,
  ERR_CSE_MASTER_KEY_NOT_FOUND: EXIT.service,
  ERR_CSE_METADATA_TOO_LARGE: EXIT.usage,
  ERR_CSE_NETWORK: EXIT.service,
  ERR_CSE_NO_MATCHING_KEY: EXIT.decryption,
  ERR_CSE_NOT_ENCRYPTED: EXIT.decryption,
  ERR_CSE_NOT_FOUND: EXIT.notFound,
  ERR_CSE_NOT_MODIFIED: EXIT.service,
  ERR_CSE_NOT_SEALED: EXIT.decryption,
  ERR_CSE_OPERATION_REFUSED: EXIT.usage,
  ERR_CSE_PASSPHRASE: EXIT.configuration,
  ERR_CSE_PRECONDITION_FAILED: EXIT.service,
  ERR_CSE_QUEUE: EXIT.service,
  ERR_CSE_RANGE_NOT_SATISFIABLE: EXIT.usage,
  ERR_CSE_SERVICE: EXIT.service,
  ERR_CSE_SOURCE: EXIT.other,
  ERR_CSE_SOURCE_CHANGED: EXIT.other,
  ERR_CSE_THREAD: EXIT.other,
  ERR_CSE_THROTTLED: EXIT.service,
  ERR_CSE_TIMEOUT: EXIT.service,
  ERR_CSE_UNSUPPORTED_ALGORITHM: EXIT.decryption,
  ERR_CSE_UNWRAP_FAILED: EXIT.decryption,
  ERR_CSE_WRONG_REGION: EXIT.configuration,
}

/** Returns the kind of an error, for an error of the command line that reports it. */
export function kindOf(error: unknown): CliErrorKind {
  const code = exitCodeOf(error)
  const kinds: readonly CliErrorKind[] = ['usage', 'configuration', 'notFound', 'service', 'decryption']
  return kinds.find((kind) => EXIT[kind] === code) ?? 'other'
}

/** Returns the exit code for what a command threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return EXIT[error.kind]
  if (CseError.isInstance(error)) {
    // The checkpoint directory is a setting. A full disk is not.
    if (error.code === 'ERR_CSE_CHECKPOINT' && isMachineLimit(error.cause)) return EXIT.other
    // Another version of the library, or an error that only looks like one of its errors, can have other codes.
    return Object.hasOwn(BY_CODE, error.code) ? BY_CODE[error.code] : EXIT.other
  }
  return EXIT.other
}
