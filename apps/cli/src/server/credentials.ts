import { type CredentialsProvider, TransportError } from '@oss-cse/crypto-core'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'
import type { Credentials } from '../base/server-config.ts'

/** The part of a help text that says where credentials come from. */
export const CREDENTIALS_HELP: string = `
Credentials come from OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, if they are temporary, OSS_SESSION_TOKEN. If neither
of the first two is set, they come from the standard chain of Alibaba Cloud's SDKs (ALIBABA_CLOUD_… variables,
~/.aliyun/config.json, ~/.alibabacloud/credentials). OSS and KMS use the same credentials.`

/** Returns the configured credentials, or the names of what is missing. */
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
  // One of the two alone is a mistake. The chain must not replace it with other credentials.
  if (accessKeyId === undefined && accessKeySecret === undefined && cli.credentialsChain !== undefined) {
    return { credentials: { credentials: cli.credentialsChain } }
  }
  const missing = [
    ...(accessKeyId === undefined ? ['the access key id (OSS_ACCESS_KEY_ID)'] : []),
    ...(accessKeySecret === undefined ? ['the access key secret (OSS_ACCESS_KEY_SECRET)'] : []),
  ]
  return { missing }
}

/** A variable that is not set or contains only blanks has no credential. */
function credential(cli: CliEnvironment, name: string): string | undefined {
  const value = variable(cli, name)
  return value?.trim() === '' ? undefined : value
}

/**
 * The same credentials, looked up only when a request needs them: a keyring can name KMS and never call it.
 *
 * @returns a provider that rejects with a CliError of kind `configuration` if something is missing
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
 * The error of a request that cannot be signed: the command line's own error, in a form that neither the transport of
 * OSS nor the client of KMS retries.
 */
export function noCredentials(message: string): TransportError {
  const cause = configurationError(message)
  return new TransportError('ERR_CSE_ACCESS_DENIED', message, { retryable: false, cause })
}
