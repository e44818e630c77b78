import { readFile } from 'node:fs/promises'
import { CseError, type MasterKeyProvider, type MaterialDescription } from '@oss-cse/crypto-core'
import { type CliEnvironment, variable } from './cli-environment.ts'
import { configurationError, systemCode } from './cli-error.ts'
import { warn } from './report.ts'

/** An RSA master key as files and variables name it. */
export interface RsaMaterial {
  readonly privateKeyFile?: string
  readonly publicKeyFile?: string
  /** The environment variable that holds the private key's passphrase. */
  readonly passphraseEnv?: string
  readonly materialDescription?: MaterialDescription
}

/**
 * Reads an RSA master key from its files.
 *
 * @throws CliError of kind `configuration` that names the file or variable at fault
 */
export async function loadRsaMaterial(
  material: RsaMaterial,
  cli: CliEnvironment,
): Promise<MasterKeyProvider> {
  const { privateKeyFile, publicKeyFile, passphraseEnv, materialDescription } = material
  const passphrase = passphraseEnv === undefined ? undefined : passphraseFrom(passphraseEnv, cli)
  const privateKey = privateKeyFile === undefined ? undefined : await readKeyFile(privateKeyFile)
  const publicKey = publicKeyFile === undefined ? undefined : await readKeyFile(publicKeyFile)
  const files = [privateKeyFile, publicKeyFile].filter((file) => file !== undefined).join(', ')
  const { RsaProvider } = await import('@oss-cse/provider-rsa')
  try {
    return new RsaProvider({
      privateKey,
      publicKey,
      passphrase,
      materialDescription,
      onWarning: (message) => warn(cli, `${files}: ${message}`),
    })
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    const hint =
      error.code === 'ERR_CSE_PASSPHRASE' && passphraseEnv === undefined
        ? ' Name the environment variable that holds it: --rsa-passphrase-env VAR, or "passphraseEnv" in a keyring file.'
        : ''
    throw configurationError(`${files}: ${error.message}${hint}`, error)
  }
}

/**
 * The passphrase that an environment variable holds.
 *
 * @throws CliError of kind `configuration` when it is not set
 */
export function passphraseFrom(name: string, cli: CliEnvironment): string {
  const passphrase = variable(cli, name)
  if (passphrase === undefined) {
    throw configurationError(
      `The environment variable ${name}, which should hold the passphrase, is not set.`,
    )
  }
  return passphrase
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw configurationError(
      `The key file ${file} cannot be read (${systemCode(error) ?? 'unknown'}).`,
      error,
    )
  }
}
