import type { BucketTransport } from '@oss-cse/bucket'
import type { CallOptions, CredentialsProvider, ObjectCatalog } from '@oss-cse/crypto-core'
import type { JobQueue } from '@oss-cse/fleet'
import type { CorsConfiguration } from '@oss-cse/transport-oss'
import { configurationError } from './cli-error.ts'
import type { ServerConfig } from './server-config.ts'
import { isMangled } from './utf8-names.ts'

/** A transport with all methods that the commands use. */
export type CliTransport = BucketTransport &
  ObjectCatalog & {
    createBucket(options?: CallOptions): Promise<void>
    getCors(options?: CallOptions): Promise<CorsConfiguration>
    putCors(configuration: CorsConfiguration, options?: CallOptions): Promise<void>
  }

/** Creates the transport of one bucket. */
type OpenTransport = (server: ServerConfig, bucket: string) => Promise<CliTransport>

/** Where the queue of a fleet is: in a directory, for this process alone, or in a database that many machines share. */
export type QueuePlace = { readonly directory: string } | { readonly address: string }

/** Opens the queue of a fleet. */
type OpenJobQueue = (place: QueuePlace) => Promise<JobQueue>

/** An output that can be a terminal. */
export type CliOutput = NodeJS.WritableStream & { readonly isTTY?: boolean }

/** Everything that a command uses outside itself. */
export interface CliEnvironment {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: CliOutput
  readonly stderr: CliOutput
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal
  readonly openTransport: OpenTransport
  readonly openJobQueue: OpenJobQueue
  /** The standard chain of credentials. Absent if none of its places is set up. */
  readonly credentialsChain?: CredentialsProvider | undefined
}

/**
 * Returns the value of an environment variable. An empty one counts as not set.
 *
 * @throws CliError of kind `configuration` when its bytes are not UTF-8: two different passphrases or names would become
 * the same
 */
export function variable(cli: Pick<CliEnvironment, 'env'>, name: string): string | undefined {
  // The name can be an argument, and `constructor` is not a variable.
  const value = Object.hasOwn(cli.env, name) ? cli.env[name] : undefined
  if (value !== undefined && isMangled(value)) {
    throw configurationError(`The environment variable ${name} is not valid UTF-8. Set it to a UTF-8 value.`)
  }
  return value === '' ? undefined : value
}
