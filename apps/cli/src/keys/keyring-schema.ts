import type { ContentFormat } from '@oss-cse/crypto-core'
import * as v from 'valibot'
import type { Material } from './material.ts'

const Text = v.pipe(v.string(), v.nonEmpty('must not be empty'))
const Texts = v.record(v.string(), v.string())

const UnwrapCache = v.strictObject({ maxEntries: v.number(), ttlMs: v.number() })

const RsaMaterialSchema = v.pipe(
  v.strictObject({
    type: v.literal('rsa'),
    privateKeyFile: v.exactOptional(Text),
    publicKeyFile: v.exactOptional(Text),
    passphraseEnv: v.exactOptional(Text),
    materialDescription: v.exactOptional(Texts),
    unwrapCache: v.exactOptional(UnwrapCache),
  }),
  v.check(
    ({ privateKeyFile, publicKeyFile }) => privateKeyFile !== undefined || publicKeyFile !== undefined,
    '"privateKeyFile" or "publicKeyFile" is missing',
  ),
  v.check(
    ({ privateKeyFile, passphraseEnv }) => passphraseEnv === undefined || privateKeyFile !== undefined,
    '"passphraseEnv" requires "privateKeyFile"',
  ),
)

const LocalRsaMaterialSchema = v.strictObject({
  type: v.literal('local-rsa'),
  directory: Text,
  prefix: v.exactOptional(v.string()),
  passphraseEnv: v.exactOptional(Text),
  format: v.exactOptional(v.picklist(['v1', 'v2'])),
  unwrapCache: v.exactOptional(UnwrapCache),
})

const KmsMaterialSchema = v.strictObject({
  type: v.literal('kms'),
  keyId: Text,
  region: Text,
  endpoint: v.exactOptional(Text),
  passphraseEnv: v.exactOptional(Text),
  encoding: v.exactOptional(v.picklist(['blob', 'oss2'])),
  encryptionContext: v.exactOptional(Texts),
  materialDescription: v.exactOptional(Texts),
  unwrapCache: v.exactOptional(UnwrapCache),
})

const KeyringSchema = v.strictObject({
  encrypting: v.string(),
  format: v.exactOptional(v.picklist(['aes-ctr', 'sealed'])),
  sealedOnly: v.exactOptional(v.array(v.string())),
  undescribed: v.exactOptional(v.array(v.string())),
  materials: v.record(
    v.string(),
    v.variant('type', [RsaMaterialSchema, LocalRsaMaterialSchema, KmsMaterialSchema]),
  ),
})

/** The content of a keyring file. It names files and variables, and contains no secrets. */
export interface KeyringDocument {
  /** The name of the material that encrypts. */
  readonly encrypting: string
  /** How new objects are encrypted. Absent: AES-CTR, unless the material that encrypts is sealed-only. */
  readonly format?: ContentFormat
  /** The names of the materials under which only sealed objects are read. */
  readonly sealedOnly?: readonly string[]
  /** The names of the materials to try, in this order, on objects without a material description. */
  readonly undescribed?: readonly string[]
  readonly materials: Readonly<Record<string, Material>>
}

/**
 * Validates the content of a keyring file.
 *
 * @returns the document, or its faults: each invalid field and the reason, without its value
 */
export function parseKeyringDocument(
  value: unknown,
): { readonly document: KeyringDocument } | { readonly faults: string } {
  const result = v.safeParse(KeyringSchema, value)
  return result.success
    ? { document: result.output }
    : { faults: result.issues.map(describeIssue).join('; ') }
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const at = v.getDotPath(issue) ?? 'the document'
  if (issue.type === 'strict_object' && issue.expected === 'never') return `${at}: unknown field`
  if (issue.received === 'undefined') return `${at}: missing`
  // The value itself is not shown: it may be a misplaced secret.
  if (issue.kind === 'schema') return `${at}: expected ${issue.expected}, found ${typeName(issue.input)}`
  return `${at}: ${issue.message}`
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? 'another string' : `a ${typeof value}`
}
