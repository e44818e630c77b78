import { createRequire } from 'node:module'
import { CseError } from '@oss-cse/crypto-core'

/** A client of `@alicloud/kms20160120` 1.2, as far as it is used. Its types are not needed to use this package. */
export interface AlicloudSdkClient {
  generateDataKeyEx(request: never, runtime: never): Promise<unknown>
  encryptEx(request: never, runtime: never): Promise<unknown>
  decryptEx(request: never, runtime: never): Promise<unknown>
}

type AlicloudSdkClass = new (config: Readonly<Record<string, string>>) => AlicloudSdkClient

const SDK = '@alicloud/kms20160120'

/** What the SDK and its dependencies require without saying so, and what says it for them. */
const PHANTOM_DEPENDENCIES =
  'packageExtensions: { "@alicloud/credentials": { dependencies: { debug: ^4.4.0 } }, "@alicloud/kms20160120": { dependencies: { "@alicloud/tea-typescript": ^1.8.0 } } }'

/**
 * Loads the SDK, which takes a while: only where a client is made here.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` that says what to install, or what to tell a strict package manager
 */
export function loadAlicloudSdk(
  load: (name: string) => unknown = createRequire(import.meta.url),
): AlicloudSdkClass {
  let sdk: { readonly default?: unknown }
  try {
    sdk = load(SDK) as typeof sdk
  } catch (cause) {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', remedyFor(cause), { cause })
  }
  if (typeof sdk.default === 'function') return sdk.default as AlicloudSdkClass
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The installed ${SDK} is not of version 1.2, which is needed: npm install ${SDK}@1.2`,
  )
}

function remedyFor(error: unknown): string {
  const { code, message = '' } = (error ?? {}) as { readonly code?: unknown; readonly message?: string }
  const missing = /Cannot find module '([^']+)'/.exec(message)?.[1]
  if (code !== 'MODULE_NOT_FOUND' || missing === undefined) {
    return `${SDK} could not be loaded: see the cause.`
  }
  if (missing === SDK) return `AlicloudKms needs the package ${SDK}: npm install ${SDK}@1.2`
  return `${SDK} requires "${missing}", which it, or a dependency of it, does not declare. Where packages are kept strictly apart, tell the package manager. For pnpm, in pnpm-workspace.yaml: ${PHANTOM_DEPENDENCIES}`
}
