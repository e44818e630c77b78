import { isTextMap } from '@oss-cse/crypto-core/internal'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError, usageError } from '../base/cli-error.ts'
import { isLocal, LOCAL_REGION, ossRegion } from '../server/server-options.ts'
import type { Material } from './material.ts'

/** The options for one master key. */
export interface MaterialFlags {
  readonly rsaPrivateKey?: string
  readonly rsaPublicKey?: string
  readonly rsaPassphraseEnv?: string
  readonly localRsaDir?: string
  readonly localRsaPrefix?: string
  readonly localRsaPassphraseEnv?: string
  readonly localRsaFormat?: 'v1' | 'v2'
  readonly kmsKeyId?: string
  readonly kmsRegion?: string
  readonly kmsEndpoint?: string
  readonly kmsPassphraseEnv?: string
  readonly kmsEncoding?: 'blob' | 'oss2'
  readonly kmsContext?: string
  readonly matdesc?: string
  /** The region of OSS, for the commands that talk to it. */
  readonly region?: string
}

/** The options of each kind. Those in `choosing` select the kind, and those in `further` require one of them. */
const KINDS = {
  rsa: {
    choosing: { rsaPrivateKey: '--rsa-private-key', rsaPublicKey: '--rsa-public-key' },
    further: { rsaPassphraseEnv: '--rsa-passphrase-env' },
  },
  'local-rsa': {
    choosing: { localRsaDir: '--local-rsa-dir' },
    further: {
      localRsaPrefix: '--local-rsa-prefix',
      localRsaPassphraseEnv: '--local-rsa-passphrase-env',
      localRsaFormat: '--local-rsa-format',
    },
  },
  kms: {
    choosing: { kmsKeyId: '--kms-key-id' },
    further: {
      kmsRegion: '--kms-region',
      kmsEndpoint: '--kms-endpoint',
      kmsPassphraseEnv: '--kms-passphrase-env',
      kmsEncoding: '--kms-encoding',
      kmsContext: '--kms-context',
    },
  },
} as const

type Kind = keyof typeof KINDS

/** Every option of a master key that is given, such as `--kms-key-id`. */
export function givenMaterialOptions(flags: MaterialFlags): readonly string[] {
  const kinds = Object.values(KINDS).flatMap(({ choosing, further }) =>
    given(flags, { ...choosing, ...further }),
  )
  return [...kinds, ...given(flags, { matdesc: '--matdesc' })]
}

/**
 * The master key that the options name, or `undefined` when they name none.
 *
 * @throws CliError of kind `usage` for options that exclude or need each other, `configuration` when KMS has no region
 */
export function chosenMaterial(flags: MaterialFlags, cli: CliEnvironment): Material | undefined {
  const kinds = (Object.keys(KINDS) as Kind[])
    .map((kind) => ({ kind, options: checkedOptions(flags, kind) }))
    .filter(({ options }) => options.length > 0)
  if (kinds.length > 1) {
    const names = kinds.map(({ options }) => options[0])
    throw usageError(
      `${names.join(' and ')} cannot be used together. Give one key, or several in a file with --keyring.`,
    )
  }
  const [chosen] = kinds
  if (flags.matdesc !== undefined && chosen?.kind !== 'rsa' && chosen?.kind !== 'kms') {
    throw usageError(
      chosen === undefined
        ? '--matdesc requires --rsa-private-key, --rsa-public-key or --kms-key-id.'
        : '--matdesc and --local-rsa-dir cannot be used together. Objects of these keys have no material description.',
    )
  }
  switch (chosen?.kind) {
    case 'rsa':
      return rsaMaterial(flags)
    case 'local-rsa':
      return localRsaMaterial(flags)
    case 'kms':
      return kmsMaterial(flags, cli)
    default:
      return undefined
  }
}

/** The given options of a kind, the choosing ones first. The others alone are refused. */
function checkedOptions(flags: MaterialFlags, kind: Kind): readonly string[] {
  const choosing = given(flags, KINDS[kind].choosing)
  const further = given(flags, KINDS[kind].further)
  if (choosing.length === 0 && further.length > 0) {
    throw usageError(
      `${further.join(', ')} ${further.length === 1 ? 'requires' : 'require'} ${Object.values(KINDS[kind].choosing).join(' or ')}.`,
    )
  }
  return [...choosing, ...further]
}

function rsaMaterial({ rsaPrivateKey, rsaPublicKey, rsaPassphraseEnv, matdesc }: MaterialFlags): Material {
  if (rsaPassphraseEnv !== undefined && rsaPrivateKey === undefined) {
    throw usageError('--rsa-passphrase-env requires --rsa-private-key.')
  }
  return {
    type: 'rsa',
    ...(rsaPrivateKey !== undefined && { privateKeyFile: rsaPrivateKey }),
    ...(rsaPublicKey !== undefined && { publicKeyFile: rsaPublicKey }),
    ...(rsaPassphraseEnv !== undefined && { passphraseEnv: rsaPassphraseEnv }),
    ...(matdesc !== undefined && {
      materialDescription: parseTexts(matdesc, '--matdesc', '{"key":"2026-11"}'),
    }),
  }
}

function localRsaMaterial(flags: MaterialFlags): Material {
  const { localRsaDir = '', localRsaPrefix, localRsaPassphraseEnv, localRsaFormat } = flags
  if (localRsaDir === '') throw usageError('--local-rsa-dir is empty. Name a directory.')
  return {
    type: 'local-rsa',
    directory: localRsaDir,
    ...(localRsaPrefix !== undefined && { prefix: localRsaPrefix }),
    ...(localRsaPassphraseEnv !== undefined && { passphraseEnv: localRsaPassphraseEnv }),
    ...(localRsaFormat !== undefined && { format: localRsaFormat }),
  }
}

function kmsMaterial(flags: MaterialFlags, cli: CliEnvironment): Material {
  const { kmsKeyId = '', kmsPassphraseEnv, kmsEncoding, kmsContext, matdesc } = flags
  if (kmsKeyId === '') throw usageError('--kms-key-id is empty. Name a KMS key.')
  const encryptionContext =
    kmsContext === undefined
      ? undefined
      : parseTexts(kmsContext, '--kms-context', '{"department":"research"}')
  const materialDescription =
    matdesc === undefined ? undefined : parseTexts(matdesc, '--matdesc', '{"key":"2026-11"}')
  const endpoint = flags.kmsEndpoint || variable(cli, 'OSS_CSE_KMS_ENDPOINT')
  const region =
    flags.kmsRegion ||
    ossRegion(flags, cli)?.replace(/^oss-/, '') ||
    (isLocal(endpoint) ? LOCAL_REGION : undefined)
  if (region === undefined) {
    throw configurationError(
      'Missing: the region of KMS (--kms-region), or the region of OSS (OSS_REGION, or --region if the command has it).',
    )
  }
  return {
    type: 'kms',
    keyId: kmsKeyId,
    region,
    ...(endpoint !== undefined && { endpoint }),
    ...(kmsPassphraseEnv !== undefined && { passphraseEnv: kmsPassphraseEnv }),
    ...(kmsEncoding !== undefined && { encoding: kmsEncoding }),
    ...(encryptionContext !== undefined && { encryptionContext }),
    ...(materialDescription !== undefined && { materialDescription }),
  }
}

function given(flags: MaterialFlags, options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options)
    .filter(([name]) => flags[name as keyof MaterialFlags] !== undefined)
    .map(([, option]) => option)
}

/** Parses a JSON object of strings. */
function parseTexts(text: string, option: string, example: string): Readonly<Record<string, string>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Refused below.
  }
  if (isTextMap(value)) return value
  throw usageError(`${option} is not a JSON object of strings. Give one such as ${example}.`)
}
