import { Keyring, type MaterialDescription } from '@oss-cse/crypto-core'
import type { Command } from 'commander'
import { type CliEnvironment, variable } from './cli-environment.ts'
import { configurationError, usageError } from './cli-error.ts'
import { loadKeyringFile } from './keyring-file.ts'
import { loadRsaMaterial } from './rsa-material.ts'

/** The keys' options as the command line gives them. */
export interface KeyFlags {
  readonly rsaPrivateKey?: string
  readonly rsaPublicKey?: string
  readonly rsaPassphraseEnv?: string
  readonly matdesc?: string
  readonly keyring?: string
}

const RSA_OPTIONS = {
  rsaPrivateKey: '--rsa-private-key',
  rsaPublicKey: '--rsa-public-key',
  rsaPassphraseEnv: '--rsa-passphrase-env',
  matdesc: '--matdesc',
} as const

/** Adds the options of every command that needs master keys. */
export function addKeyOptions(command: Command): Command {
  return command
    .optionsGroup('Keys (either RSA key files or a keyring):')
    .option('--rsa-private-key <file>', 'PEM: decrypts and encrypts')
    .option('--rsa-public-key <file>', 'PEM: alone it only encrypts')
    .option('--rsa-passphrase-env <var>', "the environment variable that holds the private key's passphrase")
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
  const given = Object.entries(RSA_OPTIONS)
    .filter(([name]) => flags[name as keyof KeyFlags] !== undefined)
    .map(([, option]) => option)
  if (flags.keyring !== undefined && given.length > 0) {
    throw usageError(
      `--keyring and ${given.join(', ')} exclude each other: the keyring file names its own keys.`,
    )
  }
  if (given.length > 0) return new Keyring({ encrypting: await rsaFromFlags(flags, given, cli) })
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
    'No master key: give --rsa-private-key FILE (--rsa-public-key FILE is enough to encrypt), or --keyring FILE (or OSS_CSE_KEYRING).',
  )
}

async function rsaFromFlags(flags: KeyFlags, given: readonly string[], cli: CliEnvironment) {
  const { rsaPrivateKey, rsaPublicKey, rsaPassphraseEnv, matdesc } = flags
  if (rsaPrivateKey === undefined && rsaPublicKey === undefined) {
    throw usageError(`${given.join(', ')} goes with --rsa-private-key or --rsa-public-key.`)
  }
  if (rsaPassphraseEnv !== undefined && rsaPrivateKey === undefined) {
    throw usageError('--rsa-passphrase-env goes with --rsa-private-key.')
  }
  return loadRsaMaterial(
    {
      ...(rsaPrivateKey !== undefined && { privateKeyFile: rsaPrivateKey }),
      ...(rsaPublicKey !== undefined && { publicKeyFile: rsaPublicKey }),
      ...(rsaPassphraseEnv !== undefined && { passphraseEnv: rsaPassphraseEnv }),
      ...(matdesc !== undefined && { materialDescription: parseMatdesc(matdesc) }),
    },
    cli,
  )
}

function parseMatdesc(text: string): MaterialDescription {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Judged below.
  }
  const valid =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((item) => typeof item === 'string')
  if (!valid) throw usageError('--matdesc takes a JSON object of strings, such as {"key":"2026-11"}.')
  return value as MaterialDescription
}
