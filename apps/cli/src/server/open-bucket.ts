import type { AcceptedFormats, CryptoBucket, Logger, PlainObjectPolicy } from '@oss-cse/bucket'
import type { ContentFormat, Keyring } from '@oss-cse/crypto-core'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { type ServerFlags, serverConfig } from './server-options.ts'

/** How a command opens a bucket. */
export interface OpenBucketOptions {
  /** The keyless keyring for a command that neither encrypts nor decrypts. */
  readonly keyring: Keyring
  readonly onPlainObject?: PlainObjectPolicy | undefined
  /** The format of new objects. Default: what `accept` allows. */
  readonly format?: ContentFormat | undefined
  readonly accept?: AcceptedFormats | undefined
  readonly logger?: Logger | undefined
}

/**
 * Opens a bucket with the server that options and environment variables name.
 *
 * @throws CliError of kind `configuration`
 */
export async function openBucket(
  cli: CliEnvironment,
  flags: ServerFlags,
  name: string,
  { onPlainObject = 'reject', ...options }: OpenBucketOptions,
): Promise<CryptoBucket> {
  const transport = await cli.openTransport(serverConfig(flags, cli), name)
  const { CryptoBucket } = await import('@oss-cse/bucket')
  return new CryptoBucket({ transport, onPlainObject, ...options })
}
