import { CseError, type MasterKeyProvider, type UnwrapCacheOptions } from '@oss-cse/crypto-core'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'
import { inWords, OPTION_WORDS, type Words } from '../output/library-words.ts'
import { warn } from '../output/report.ts'
import { passphraseFrom } from './rsa-material.ts'

/** A pair of key files of oss2's LocalRsaProvider. */
export interface LocalRsaMaterial {
  readonly directory: string
  /** The prefix of both file names. */
  readonly prefix?: string
  /** The environment variable with the passphrase of the files. */
  readonly passphraseEnv?: string
  /** The format that it writes. */
  readonly format?: 'v1' | 'v2'
  readonly unwrapCache?: UnwrapCacheOptions
}

/**
 * Reads a pair of local key files.
 *
 * @param words - the user's names for its options
 * @throws CliError of kind `configuration` that names the file or variable at fault
 */
export async function loadLocalRsaMaterial(
  material: LocalRsaMaterial,
  cli: CliEnvironment,
  words: Words = OPTION_WORDS['local-rsa'],
): Promise<MasterKeyProvider> {
  const { directory, prefix, passphraseEnv, format, unwrapCache } = material
  const passphrase = passphraseEnv === undefined ? undefined : passphraseFrom(passphraseEnv, cli)
  const { LocalRsaProvider } = await import('@oss-cse/provider-rsa')
  try {
    return new LocalRsaProvider({
      directory,
      prefix,
      passphrase,
      format,
      unwrapCache,
      onWarning: (message) => warn(cli, `${directory}: ${message}`),
    })
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    const message =
      error.code === 'ERR_CSE_PASSPHRASE' && passphraseEnv === undefined
        ? `The key files in ${directory} are encrypted. Name the environment variable with their passphrase: --local-rsa-passphrase-env VAR, or "passphraseEnv" in a keyring file.`
        : inWords(error.message, words)
    throw configurationError(message, error)
  }
}
