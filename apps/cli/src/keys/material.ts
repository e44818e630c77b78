import type { MasterKeyProvider } from '@oss-cse/crypto-core'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { type MaterialWords, OPTION_WORDS } from '../output/library-words.ts'
import { type KmsClients, type KmsMaterial, loadKmsMaterial } from './kms-material.ts'
import { type LocalRsaMaterial, loadLocalRsaMaterial } from './local-rsa-material.ts'
import { loadRsaMaterial, type RsaMaterial } from './rsa-material.ts'

/** A master key of any kind, as options or a keyring file name it. */
export type Material =
  | ({ readonly type: 'rsa' } & RsaMaterial)
  | ({ readonly type: 'local-rsa' } & LocalRsaMaterial)
  | ({ readonly type: 'kms' } & KmsMaterial)

/**
 * Loads a master key.
 *
 * @param words - the user's names for the options of each kind
 * @throws CliError of kind `configuration`
 */
export function loadMaterial(
  material: Material,
  cli: CliEnvironment,
  clients: KmsClients,
  words: MaterialWords = OPTION_WORDS,
): Promise<MasterKeyProvider> {
  switch (material.type) {
    case 'rsa':
      return loadRsaMaterial(material, cli, words.rsa)
    case 'local-rsa':
      return loadLocalRsaMaterial(material, cli, words['local-rsa'])
    case 'kms':
      return loadKmsMaterial(material, cli, clients, words.kms)
  }
}
