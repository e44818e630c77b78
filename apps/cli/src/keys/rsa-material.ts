import {
  CseError,
  type MasterKeyProvider,
  type MaterialDescription,
  type UnwrapCacheOptions,
} from '@oss-cse/crypto-core'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'
import { inWords, OPTION_WORDS, type Words } from '../output/library-words.ts'
import { warn } from '../output/report.ts'
import { readKeyFile } from './read-key-file.ts'

/** An RSA master key as files and variables name it. */
export interface RsaMaterial {
  readonly privateKeyFile?: string
  readonly publicKeyFile?: string
  /** The environment variable with the passphrase of the private key. */
  readonly passphraseEnv?: string
  readonly materialDescription?: MaterialDescription
  readonly unwrapCache?: UnwrapCacheOptions
}

/**
 * Reads an RSA master key from its files.
 *
 * @param words - the user's names for its options
 * @throws CliError of kind `configuration` that names the file or variable at fault
 */
export async function loadRsaMaterial(
  material: RsaMaterial,
  cli: CliEnvironment,
  words: Words = OPTION_WORDS.rsa,
): Promise<MasterKeyProvider> {
  const { privateKeyFile, publicKeyFile, passphraseEnv, materialDescription, unwrapCache } = material
  const passphrase = passphraseEnv === undefined ? undefined : passphraseFrom(passphraseEnv, cli)
  // As bytes, because a key that is not PEM can be binary.
  const privateKey =
    privateKeyFile === undefined
      ? undefined
      : await readKeyFile(privateKeyFile, `The key file ${privateKeyFile}`)
  const publicKey =
    publicKeyFile === undefined
      ? undefined
      : await readKeyFile(publicKeyFile, `The key file ${publicKeyFile}`)
  const files = [privateKeyFile, publicKeyFile].filter((file) => file !== undefined).join(', ')
  const { RsaProvider } = await import('@oss-cse/provider-rsa')
  try {
    return new RsaProvider({
      privateKey,
      publicKey,
      passphrase,
      materialDescription,
      unwrapCache,
      onWarning: (message) => warn(cli, `${files}: ${message}`),
    })
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    const message =
      error.code === 'ERR_CSE_PASSPHRASE' && passphraseEnv === undefined
        ? 'The private key is encrypted. Name the environment variable with its passphrase: --rsa-passphrase-env VAR, or "passphraseEnv" in a keyring file.'
        : inWords(error.message, words)
    throw configurationError(`${files}: ${message}`, error)
  }
}

/**
 * Returns the passphrase in an environment variable.
 *
 * @throws CliError of kind `configuration` when it is not set
 */
export function passphraseFrom(name: string, cli: CliEnvironment): string {
  const passphrase = variable(cli, name)
  if (passphrase === undefined) {
    throw configurationError(`The environment variable ${name} is not set. Set it to the passphrase.`)
  }
  return passphrase
}
