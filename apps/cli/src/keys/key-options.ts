import { Keyring } from '@oss-cse/crypto-core'
import { type Command, Option } from 'commander'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError, usageError } from '../base/cli-error.ts'
import { chosenMaterial, givenMaterialOptions, type MaterialFlags } from './chosen-material.ts'
import { loadKeyringFile } from './keyring-file.ts'
import { KmsClients } from './kms-material.ts'
import { loadMaterial } from './material.ts'

/** The keys' options as the command line gives them. */
export interface KeyFlags extends MaterialFlags {
  readonly keyring?: string
}

/** Adds the options of every command that needs master keys. */
export function addKeyOptions(command: Command): Command {
  return command
    .optionsGroup('Keys (RSA key files, oss2 key files, a key in KMS, or a keyring of such):')
    .option('--rsa-private-key <file>', 'PEM: decrypts and encrypts')
    .option('--rsa-public-key <file>', 'PEM: alone it only encrypts')
    .option('--rsa-passphrase-env <var>', "the environment variable that holds the private key's passphrase")
    .option('--local-rsa-dir <dir>', "where the key files of oss2's LocalRsaProvider are")
    .option('--local-rsa-prefix <prefix>', 'how their names begin (default: nothing)')
    .option('--local-rsa-passphrase-env <var>', 'the environment variable that holds their passphrase')
    .addOption(
      new Option(
        '--local-rsa-format <format>',
        'what is written; v1 for oss2 2.5 to 2.10 (default: v2)',
      ).choices(['v1', 'v2']),
    )
    .option('--kms-key-id <id>', 'a key in KMS: its id, alias or ARN')
    .option('--kms-region <region>', "where that is (default: OSS's region)")
    .option(
      '--kms-endpoint <url>',
      "where KMS is; or OSS_CSE_KMS_ENDPOINT (default: the region's public endpoint)",
    )
    .option(
      '--kms-passphrase-env <var>',
      "the environment variable that holds the passphrase of oss2's AliKMSProvider",
    )
    .addOption(
      new Option(
        '--kms-encoding <encoding>',
        'how wrapped keys are written; oss2 for the Python SDK oss2 (default: blob)',
      ).choices(['blob', 'oss2']),
    )
    .option(
      '--kms-context <json>',
      'what KMS binds to each key, such as {"department":"research"}; no secrets',
    )
    .option('--matdesc <json>', 'names the key in what it encrypts, such as {"key":"2026-11"}')
    .option('--keyring <file>', 'several keys, in a JSON file; or OSS_CSE_KEYRING')
}

/**
 * Loads the master keys that the options name, or `undefined` when they name none.
 *
 * @throws CliError of kind `usage` for options that exclude each other, `configuration` for keys that cannot
 * be used
 */
export async function loadKeys(flags: KeyFlags, cli: CliEnvironment): Promise<Keyring | undefined> {
  const options = givenMaterialOptions(flags)
  if (flags.keyring !== undefined && options.length > 0) {
    throw usageError(
      `--keyring and ${options.join(', ')} exclude each other: the keyring file names its own keys.`,
    )
  }
  const material = chosenMaterial(flags, cli)
  if (material !== undefined) {
    return new Keyring({ encrypting: await loadMaterial(material, cli, new KmsClients(cli)) })
  }
  const keyring = flags.keyring ?? variable(cli, 'OSS_CSE_KEYRING')
  return keyring === undefined ? undefined : loadKeyringFile(keyring, cli)
}

/**
 * Loads the master keys that the options name.
 *
 * @throws CliError as `loadKeys`, and of kind `configuration` when they name none
 */
export async function requireKeys(flags: KeyFlags, cli: CliEnvironment): Promise<Keyring> {
  const keyring = await loadKeys(flags, cli)
  if (keyring === undefined) throw missingKeys()
  return keyring
}

/** The error of a command that needs master keys and has none. */
export function missingKeys(): Error {
  return configurationError(
    'No master key: give --rsa-private-key FILE (--rsa-public-key FILE is enough to encrypt), --kms-key-id ID, --local-rsa-dir DIR, or --keyring FILE (or OSS_CSE_KEYRING).',
  )
}
