import { type CredentialsProvider, TransportError } from '@oss-cse/crypto-core'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'
import type { Credentials } from '../base/server-config.ts'

/** What tells whoever reads a help text where credentials come from. */
export const CREDENTIALS_HELP: string = `
Credentials come from OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, for temporary ones, OSS_SESSION_TOKEN. Where the
first two are not set: from the standard chain of Alibaba Cloud's SDKs (ALIBABA_CLOUD_… variables, ~/.aliyun/config.json,
~/.alibabacloud/credentials). OSS and KMS get the same.`

/** The credentials that are set up, or the names of what is missing. */
export function configuredCredentials(
  cli: CliEnvironment,
): { readonly credentials: Credentials } | { readonly missing: readonly string[] } {
  const accessKeyId = credential(cli, 'OSS_ACCESS_KEY_ID')
  const accessKeySecret = credential(cli, 'OSS_ACCESS_KEY_SECRET')
  if (accessKeyId !== undefined && accessKeySecret !== undefined) {
    const securityToken = credential(cli, 'OSS_SESSION_TOKEN')
    return {
      credentials: { accessKeyId, accessKeySecret, ...(securityToken !== undefined && { securityToken }) },
    }
  }
  // One of the two alone is a mistake, and not to be made up for with somebody else's credentials.
  if (accessKeyId === undefined && accessKeySecret === undefined && cli.credentialsChain !== undefined) {
    return { credentials: { credentials: cli.credentialsChain } }
  }
  const missing = [
    ...(accessKeyId === undefined ? ['the access key id (OSS_ACCESS_KEY_ID)'] : []),
    ...(accessKeySecret === undefined ? ['the access key secret (OSS_ACCESS_KEY_SECRET)'] : []),
  ]
  return { missing }
}

/** A variable that is not set, or holds nothing but blanks, holds no credential. */
function credential(cli: CliEnvironment, name: string): string | undefined {
  const value = variable(cli, name)
  return value?.trim() === '' ? undefined : value
}

/**
 * The same, asked for only when a request needs them: a keyring may name KMS and never call it.
 *
 * @returns a provider that rejects with a CliError of kind `configuration` where something is missing
 */
export function lateCredentials(cli: CliEnvironment): CredentialsProvider {
  return {
    async getCredential() {
      const configured = configuredCredentials(cli)
      if ('missing' in configured) throw noCredentials(`Missing: ${configured.missing.join(', ')}.`)
      const { credentials, ...fixed } = configured.credentials
      return credentials === undefined ? fixed : credentials.getCredential()
    },
  }
}

/**
 * The error of a request that nobody can sign: the command line's own, in a form that neither OSS's transport nor KMS's
 * client takes for one that may pass.
 */
export function noCredentials(message: string): TransportError {
  const cause = configurationError(message)
  return new TransportError('ERR_CSE_ACCESS_DENIED', message, { retryable: false, cause })
}
