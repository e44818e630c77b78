import {
  type CredentialsProvider,
  CseError,
  type MasterKeyProvider,
  type MaterialDescription,
  type UnwrapCacheOptions,
} from '@oss-cse/crypto-core'
import type { KmsClient } from '@oss-cse/provider-kms'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'
import { inWords, OPTION_WORDS, type Words } from '../output/library-words.ts'
import { lateCredentials } from '../server/credentials.ts'
import { requireScheme } from '../server/explicit-scheme.ts'
import { passphraseFrom } from './rsa-material.ts'

/** A master key in KMS. */
export interface KmsMaterial {
  /** An id, an alias, or the ARN of either. */
  readonly keyId: string
  readonly region: string
  /** Default: OSS_CSE_KMS_ENDPOINT, or the region's public endpoint. */
  readonly endpoint?: string
  /** The environment variable with the passphrase of oss2's AliKMSProvider. */
  readonly passphraseEnv?: string
  readonly encoding?: 'blob' | 'oss2'
  readonly encryptionContext?: Readonly<Record<string, string>>
  readonly materialDescription?: MaterialDescription
  readonly unwrapCache?: UnwrapCacheOptions
}

/** The KMS clients of a keyring: one for each region and endpoint, all with the same credentials. */
export class KmsClients {
  readonly #cli: CliEnvironment
  readonly #credentials: CredentialsProvider
  readonly #clients = new Map<string, KmsClient>()

  constructor(cli: CliEnvironment) {
    this.#cli = cli
    this.#credentials = lateCredentials(cli)
  }

  /** @throws CseError or CliError for an invalid region or endpoint */
  async of({
    region,
    endpoint = variable(this.#cli, 'OSS_CSE_KMS_ENDPOINT'),
  }: KmsMaterial): Promise<KmsClient> {
    requireScheme(
      endpoint,
      'The endpoint of KMS (--kms-endpoint, OSS_CSE_KMS_ENDPOINT, or "endpoint" in a keyring file)',
    )
    const place = JSON.stringify([region, endpoint])
    const known = this.#clients.get(place)
    if (known !== undefined) return known
    // Imported here, because its SDK takes a while to load.
    const { AlicloudKms } = await import('@oss-cse/provider-kms')
    const client = new AlicloudKms({ region, endpoint, credentials: this.#credentials })
    this.#clients.set(place, client)
    return client
  }
}

/** The region in the ARN of a key: `acs:kms:REGION:…`. */
const ARN_REGION = /^acs:kms:([^:]+):/

/**
 * Creates the master key of a material in KMS. It sends no request to KMS yet.
 *
 * @param words - the user's names for its options
 * @throws CliError of kind `configuration` that names the setting or variable at fault
 */
export async function loadKmsMaterial(
  material: KmsMaterial,
  cli: CliEnvironment,
  clients: KmsClients,
  words: Words = OPTION_WORDS.kms,
): Promise<MasterKeyProvider> {
  const { keyId, passphraseEnv, encoding, encryptionContext, materialDescription, unwrapCache } = material
  const passphrase = passphraseEnv === undefined ? undefined : passphraseFrom(passphraseEnv, cli)
  const { KmsProvider } = await import('@oss-cse/provider-kms')
  try {
    const client = await clients.of(material)
    return new KmsProvider({
      client,
      keyId,
      materialDescription,
      encryptionContext,
      passphrase,
      encoding,
      unwrapCache,
    })
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    const keyRegion = ARN_REGION.exec(keyId)?.[1]
    // The endpoint can be in another region too. The library's message then names both.
    const text =
      error.code === 'ERR_CSE_WRONG_REGION' && keyRegion !== undefined && keyRegion !== material.region
        ? `the key is in ${keyRegion}, but its region is set to ${material.region}. Set ${words['region']} to ${keyRegion}.`
        : inWords(error.message, words)
    throw configurationError(`KMS key ${JSON.stringify(keyId)}: ${text}`, error)
  }
}
