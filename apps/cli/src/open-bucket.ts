import type { CryptoBucket, Logger, PlainObjectPolicy } from '@oss-cse/bucket'
import { Keyring } from '@oss-cse/crypto-core'
import type { CliEnvironment } from './cli-environment.ts'
import { missingKeys } from './key-options.ts'
import { type ServerFlags, serverConfig } from './server-options.ts'

/** How a command opens a bucket. */
export interface OpenBucketOptions {
  /** Absent for a command that neither encrypts nor decrypts. */
  readonly keyring?: Keyring | undefined
  readonly onPlainObject?: PlainObjectPolicy | undefined
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
  { keyring = keylessKeyring(), onPlainObject = 'reject', logger }: OpenBucketOptions = {},
): Promise<CryptoBucket> {
  const transport = await cli.openTransport(serverConfig(flags, cli), name)
  const { CryptoBucket } = await import('@oss-cse/bucket')
  return new CryptoBucket({ transport, keyring, onPlainObject, logger })
}

/** A keyring for commands that leave envelopes closed: it fits no object. */
function keylessKeyring(): Keyring {
  const refuse = (): Promise<never> => Promise.reject(missingKeys())
  return new Keyring({
    encrypting: {
      wrapAlgorithm: 'none',
      materialDescription: {},
      canUnwrap: false,
      generateContentKey: refuse,
      unwrap: refuse,
    },
  })
}
