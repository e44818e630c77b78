import { dirname, resolve } from 'node:path'
import { CseError, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'
import { NotUtf8, readUtf8File } from '../base/read-utf8-file.ts'
import { FIELD_WORDS } from '../output/library-words.ts'
import type { LoadedKeys } from './key-options.ts'
import { type KeyringDocument, parseKeyringDocument } from './keyring-schema.ts'
import { KmsClients } from './kms-material.ts'
import { loadMaterial, type Material } from './material.ts'
import { readKeyFile } from './read-key-file.ts'

/**
 * Loads the keys of a keyring file. Paths in it are relative to it. It contains no secrets itself.
 *
 * @throws CliError of kind `configuration` that names the file and the field at fault
 */
export async function loadKeyringFile(path: string, cli: CliEnvironment): Promise<LoadedKeys> {
  const document = parseDocument(path, await readText(path))
  const clients = new KmsClients(cli)
  const providers = new Map<string, MasterKeyProvider>()
  for (const [name, material] of Object.entries(document.materials)) {
    try {
      providers.set(name, await loadMaterial(located(material, dirname(path)), cli, clients, FIELD_WORDS))
    } catch (error) {
      throw wrong(path, `materials.${name}: ${(error as Error).message}`, error)
    }
  }
  const named = (name: string, field: string): MasterKeyProvider => {
    const provider = providers.get(name)
    if (provider !== undefined) return provider
    const known = [...providers.keys()].map((key) => JSON.stringify(key)).join(', ') || 'none'
    throw wrong(path, `${field}: unknown material ${JSON.stringify(name)}. Known materials: ${known}`)
  }
  const encrypting = named(document.encrypting, 'encrypting')
  const sealedOnly = (document.sealedOnly ?? []).map((name, i) => named(name, `sealedOnly.${i}`))
  const unfit = sealedOnlyFault(providers, new Set(sealedOnly))
  if (unfit !== undefined) throw wrong(path, `sealedOnly: ${unfit}`)
  const { format = sealedOnly.includes(encrypting) ? 'sealed' : undefined } = document
  if (format === 'aes-ctr' && sealedOnly.includes(encrypting)) {
    throw wrong(
      path,
      `format: the material ${JSON.stringify(document.encrypting)} is sealed-only, so it must be "sealed"`,
    )
  }
  if (format === 'sealed' && encrypting.envelopeVersion === 1) {
    throw wrong(
      path,
      `format: the material ${JSON.stringify(document.encrypting)} writes the V1 format, which has no sealed objects`,
    )
  }
  const undescribed = (document.undescribed ?? []).map((name, i) => named(name, `undescribed.${i}`))
  try {
    const decrypting = [...providers.values()]
    const encryptingWith = (provider: MasterKeyProvider): Keyring =>
      new Keyring({ encrypting: provider, undescribed, decrypting, sealedOnly })
    return { keyring: encryptingWith(encrypting), format, materials: providers, encryptingWith }
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    throw wrong(path, error.message, error)
  }
}

/**
 * What keeps materials from being sealed-only: another one that reads unsealed objects under the same key, or may do so. The
 * library refuses this too, in words that are not those of the file.
 */
function sealedOnlyFault(
  providers: ReadonlyMap<string, MasterKeyProvider>,
  sealedOnly: ReadonlySet<MasterKeyProvider>,
): string | undefined {
  if (sealedOnly.size === 0) return undefined
  const restricted = new Map<string | undefined, string>()
  for (const [name, provider] of providers) {
    if (provider.keyIdentity === undefined) {
      return `the material ${JSON.stringify(name)} must name its KMS key by the id, not by an alias, which may move from key to key`
    }
    if (sealedOnly.has(provider)) restricted.set(provider.keyIdentity, name)
  }
  for (const [name, provider] of providers) {
    const same = restricted.get(provider.keyIdentity)
    if (same !== undefined && !sealedOnly.has(provider)) {
      return `the materials ${JSON.stringify(same)} and ${JSON.stringify(name)} hold the same key. List both`
    }
  }
  return undefined
}

/** The same material, with the paths of its files resolved. */
function located(material: Material, directory: string): Material {
  if (material.type === 'kms') return material
  if (material.type === 'local-rsa') return { ...material, directory: resolve(directory, material.directory) }
  const { privateKeyFile, publicKeyFile } = material
  return {
    ...material,
    ...(privateKeyFile !== undefined && { privateKeyFile: resolve(directory, privateKeyFile) }),
    ...(publicKeyFile !== undefined && { publicKeyFile: resolve(directory, publicKeyFile) }),
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readUtf8File(path, () => readKeyFile(path, `The keyring file ${path}`))
  } catch (error) {
    if (error instanceof NotUtf8) throw wrong(path, 'it is not valid UTF-8')
    throw error
  }
}

function parseDocument(path: string, text: string): KeyringDocument {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Without the parser's message, which quotes the text.
    throw wrong(path, 'it is not valid JSON')
  }
  const parsed = parseKeyringDocument(value)
  if ('faults' in parsed) throw wrong(path, parsed.faults)
  return parsed.document
}

function wrong(path: string, what: string, cause?: unknown): Error {
  return configurationError(`The keyring file ${path}: ${what}${/[.!?]$/.test(what) ? '' : '.'}`, cause)
}
