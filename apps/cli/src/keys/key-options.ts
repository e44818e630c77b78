import { type ContentFormat, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { type Command, Option } from 'commander'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError, usageError } from '../base/cli-error.ts'
import { chosenMaterial, givenMaterialOptions, type MaterialFlags } from './chosen-material.ts'
import { KmsClients } from './kms-material.ts'
import { loadMaterial } from './material.ts'

/** The options for master keys. */
export interface KeyFlags extends MaterialFlags {
  readonly keyring?: string
}

/** Master keys, and what is encrypted with them. */
export interface LoadedKeys {
  readonly keyring: Keyring
  /** The format of new objects, if a keyring file names one. */
  readonly format?: ContentFormat | undefined
  /** The keys of a keyring file, by the name of their material. */
  readonly materials?: ReadonlyMap<string, MasterKeyProvider> | undefined
  /** Returns the same keys with another one that encrypts. Absent if there is one key only. */
  readonly encryptingWith?: ((provider: MasterKeyProvider) => Keyring) | undefined
}

/** Adds the options of every command that needs master keys. */
export function addKeyOptions(command: Command): Command {
  return command
    .optionsGroup('Keys (RSA key files, oss2 key files, a key in KMS, or a keyring of several):')
    .option('--rsa-private-key <file>', 'PEM file of an RSA private key; decrypts and encrypts')
    .option('--rsa-public-key <file>', 'PEM file of an RSA public key; only encrypts')
    .option('--rsa-passphrase-env <var>', 'environment variable with the passphrase of the private key')
    .option('--local-rsa-dir <dir>', "directory with the key files of oss2's LocalRsaProvider")
    .option('--local-rsa-prefix <prefix>', 'prefix of the key file names (default: none)')
    .option('--local-rsa-passphrase-env <var>', 'environment variable with the passphrase of the key files')
    .addOption(
      new Option(
        '--local-rsa-format <format>',
        'format to write; v1 is for oss2 2.5 to 2.10 (default: v2)',
      ).choices(['v1', 'v2']),
    )
    .option('--kms-key-id <id>', 'id, alias or ARN of a key in KMS')
    .option('--kms-region <region>', 'region of the key in KMS (default: the region of OSS)')
    .option(
      '--kms-endpoint <url>',
      "URL of KMS (env: OSS_CSE_KMS_ENDPOINT, default: the region's public endpoint)",
    )
    .option('--kms-passphrase-env <var>', "environment variable with the passphrase of oss2's AliKMSProvider")
    .addOption(
      new Option(
        '--kms-encoding <encoding>',
        'encoding of wrapped keys to write; oss2 is for the Python SDK oss2 (default: blob)',
      ).choices(['blob', 'oss2']),
    )
    .option(
      '--kms-context <json>',
      'encryption context, such as {"department":"research"}; KMS logs it, so put no secrets in it',
    )
    .option(
      '--matdesc <json>',
      'material description of new objects, such as {"key":"2026-11"} (default: none)',
    )
    .option('--keyring <file>', 'JSON file that names several keys (env: OSS_CSE_KEYRING)')
}

/**
 * Loads the master keys that the options name, or `undefined` when they name none.
 *
 * @throws CliError of kind `usage` for options that exclude each other, `configuration` for keys that cannot
 * be used
 */
export async function loadKeys(flags: KeyFlags, cli: CliEnvironment): Promise<LoadedKeys | undefined> {
  const options = givenMaterialOptions(flags)
  if (flags.keyring !== undefined && options.length > 0) {
    throw usageError(
      `--keyring and ${options.join(', ')} cannot be used together. The keyring file names its own keys.`,
    )
  }
  const material = chosenMaterial(flags, cli)
  if (material !== undefined) {
    return { keyring: new Keyring({ encrypting: await loadMaterial(material, cli, new KmsClients(cli)) }) }
  }
  const keyring = flags.keyring ?? variable(cli, 'OSS_CSE_KEYRING')
  if (keyring === undefined) return undefined
  const { loadKeyringFile } = await import('./keyring-file.ts')
  return loadKeyringFile(keyring, cli)
}

/**
 * Loads the master keys that the options name.
 *
 * @throws CliError as `loadKeys`, and of kind `configuration` when they name none
 */
export async function requireKeys(flags: KeyFlags, cli: CliEnvironment): Promise<LoadedKeys> {
  const keys = await loadKeys(flags, cli)
  if (keys === undefined) throw missingKeys()
  return keys
}

/** The error of a command that needs master keys and has none. */
export function missingKeys(): Error {
  return configurationError(
    'No master key is given. Give --rsa-private-key FILE (to encrypt, --rsa-public-key FILE is enough), --kms-key-id ID, --local-rsa-dir DIR, or --keyring FILE (or OSS_CSE_KEYRING).',
  )
}
