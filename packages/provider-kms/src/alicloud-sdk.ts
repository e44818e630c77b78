import { createRequire } from 'node:module'
import { CseError } from '@oss-cse/crypto-core'

/** The used methods of a client of `@alicloud/kms20160120` 1.2. This package does not need the types of the SDK. */
export interface AlicloudSdkClient {
  generateDataKeyEx(request: never, runtime: never): Promise<unknown>
  encryptEx(request: never, runtime: never): Promise<unknown>
  decryptEx(request: never, runtime: never): Promise<unknown>
}

type AlicloudSdkClass = new (config: Readonly<Record<string, string>>) => AlicloudSdkClient

const SDK = '@alicloud/kms20160120'

/** The dependencies that the SDK and its dependencies do not declare, as a pnpm setting that declares them. */
const PHANTOM_DEPENDENCIES =
  'packageExtensions: { "@alicloud/credentials": { dependencies: { debug: ^4.4.0 } }, "@alicloud/kms20160120": { dependencies: { "@alicloud/tea-typescript": ^1.8.0 } } }'

/**
 * Loads the SDK. Loading takes a while, so it happens only if this package makes the client.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`. The message says what to install, or how to configure a strict package
 * manager.
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
    `The installed ${SDK} is not version 1.2. Install it: npm install ${SDK}@1.2`,
  )
}

function remedyFor(error: unknown): string {
  const { code, message = '' } = (error ?? {}) as { readonly code?: unknown; readonly message?: string }
  const missing = /Cannot find module '([^']+)'/.exec(message)?.[1]
  if (code !== 'MODULE_NOT_FOUND' || missing === undefined) {
    return `${SDK} could not be loaded. See the cause.`
  }
  if (missing === SDK) return `AlicloudKms needs the package ${SDK}. Install it: npm install ${SDK}@1.2`
  return `${SDK} requires "${missing}", but neither it nor its dependencies declare it. Declare it for a strict package manager. For pnpm, in pnpm-workspace.yaml: ${PHANTOM_DEPENDENCIES}`
}
