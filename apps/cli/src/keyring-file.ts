import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CseError, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import * as v from 'valibot'
import type { CliEnvironment } from './cli-environment.ts'
import { configurationError, systemCode } from './cli-error.ts'
import { loadRsaMaterial } from './rsa-material.ts'

const FileName = v.pipe(v.string(), v.nonEmpty('must not be empty'))

const RsaMaterialSchema = v.pipe(
  v.strictObject({
    type: v.literal('rsa'),
    privateKeyFile: v.exactOptional(FileName),
    publicKeyFile: v.exactOptional(FileName),
    passphraseEnv: v.exactOptional(v.pipe(v.string(), v.nonEmpty('must not be empty'))),
    materialDescription: v.exactOptional(v.record(v.string(), v.string())),
  }),
  v.check(
    ({ privateKeyFile, publicKeyFile }) => privateKeyFile !== undefined || publicKeyFile !== undefined,
    'needs "privateKeyFile" or "publicKeyFile"',
  ),
  v.check(
    ({ privateKeyFile, passphraseEnv }) => passphraseEnv === undefined || privateKeyFile !== undefined,
    '"passphraseEnv" goes with "privateKeyFile"',
  ),
)

const KeyringSchema = v.strictObject({
  encrypting: v.string(),
  undescribed: v.exactOptional(v.array(v.string())),
  materials: v.record(v.string(), RsaMaterialSchema),
})

type KeyringDocument = v.InferOutput<typeof KeyringSchema>

/**
 * Loads the keys of a keyring file. Files that it names are relative to it; it holds no secrets itself.
 *
 * @throws CliError of kind `configuration` that names the file and the field at fault
 */
export async function loadKeyringFile(path: string, cli: CliEnvironment): Promise<Keyring> {
  const document = parseDocument(path, await readText(path))
  const providers = new Map<string, MasterKeyProvider>()
  for (const [name, { type: _type, ...material }] of Object.entries(document.materials)) {
    const { privateKeyFile, publicKeyFile } = material
    const located = {
      ...material,
      ...(privateKeyFile !== undefined && { privateKeyFile: resolve(dirname(path), privateKeyFile) }),
      ...(publicKeyFile !== undefined && { publicKeyFile: resolve(dirname(path), publicKeyFile) }),
    }
    try {
      providers.set(name, await loadRsaMaterial(located, cli))
    } catch (error) {
      throw wrong(path, `materials.${name}: ${(error as Error).message}`, error)
    }
  }
  const named = (name: string, field: string): MasterKeyProvider => {
    const provider = providers.get(name)
    if (provider !== undefined) return provider
    const known = [...providers.keys()].map((key) => JSON.stringify(key)).join(', ') || 'none'
    throw wrong(path, `${field}: there is no material ${JSON.stringify(name)}; known: ${known}`)
  }
  const encrypting = named(document.encrypting, 'encrypting')
  const undescribed = (document.undescribed ?? []).map((name, i) => named(name, `undescribed.${i}`))
  try {
    return new Keyring({ encrypting, undescribed, decrypting: [...providers.values()] })
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    throw wrong(path, error.message, error)
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw configurationError(
      `The keyring file ${path} cannot be read (${systemCode(error) ?? 'unknown'}).`,
      error,
    )
  }
}

function parseDocument(path: string, text: string): KeyringDocument {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Without the parser's message, which quotes the text.
    throw wrong(path, 'it is not JSON')
  }
  const result = v.safeParse(KeyringSchema, value)
  if (result.success) return result.output
  throw wrong(path, result.issues.map(describeIssue).join('; '))
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const at = v.getDotPath(issue) ?? 'the document'
  if (issue.type === 'strict_object' && issue.expected === 'never') return `${at}: unknown field`
  if (issue.received === 'undefined') return `${at}: missing`
  // The value itself is not shown: someone may have put a secret where it does not belong.
  if (issue.kind === 'schema') return `${at}: expected ${issue.expected}, found ${typeName(issue.input)}`
  return `${at}: ${issue.message}`
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function wrong(path: string, what: string, cause?: unknown): Error {
  return configurationError(`The keyring file ${path}: ${what}${/[.!?]$/.test(what) ? '' : '.'}`, cause)
}
