import type { BucketTransport } from '@oss-cse/bucket'
import type { CallOptions, CredentialsProvider, ObjectCatalog } from '@oss-cse/crypto-core'
import { configurationError } from './cli-error.ts'
import type { ServerConfig } from './server-config.ts'
import { isMangled } from './utf8-names.ts'

/** A transport with everything that the commands use. */
export type CliTransport = BucketTransport &
  ObjectCatalog & { createBucket(options?: CallOptions): Promise<void> }

/** Makes the transport of one bucket. */
type OpenTransport = (server: ServerConfig, bucket: string) => Promise<CliTransport>

/** An output that may be a terminal. */
export type CliOutput = NodeJS.WritableStream & { readonly isTTY?: boolean }

/** All of the outside world that a command sees. */
export interface CliEnvironment {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: CliOutput
  readonly stderr: CliOutput
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal
  readonly openTransport: OpenTransport
  /** The standard chain of credentials; absent where none of its places is set up. */
  readonly credentialsChain?: CredentialsProvider | undefined
}

/**
 * An environment variable's value; one that is set to nothing counts as not set.
 *
 * @throws CliError of kind `configuration` when its bytes are not UTF-8: two passphrases or names would be the same
 */
export function variable(cli: Pick<CliEnvironment, 'env'>, name: string): string | undefined {
  // The name may be an argument: `constructor` is no variable.
  const value = Object.hasOwn(cli.env, name) ? cli.env[name] : undefined
  if (value !== undefined && isMangled(value)) {
    throw configurationError(`The environment variable ${name} is not valid UTF-8.`)
  }
  return value === '' ? undefined : value
}
