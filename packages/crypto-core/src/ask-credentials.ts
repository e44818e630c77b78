import { TransportError } from './errors.ts'
import type { AccessCredentials, CallOptions, CredentialsProvider } from './ports.ts'
import { SharedCalls } from './shared-calls.ts'

/** Options of a request for credentials. */
export interface AskCredentialsOptions extends CallOptions {
  /** The maximum wait for the provider, in milliseconds. */
  readonly timeoutMs: number
}

const pending = new SharedCalls<CredentialsProvider, AccessCredentials>()
/** The first failure of each provider since it last returned credentials. */
const failures = new WeakMap<CredentialsProvider, { readonly error: unknown }>()

/**
 * Asks a provider for its current credentials, with a timeout. Callers that ask at the same time share one call, for
 * any transport or key service.
 *
 * The default chain of @alicloud/credentials 2.4 stores the source that it is trying before that source has returned
 * anything. A second call in the meantime asks only that source, and fails (dist/src/providers/default.js). After a
 * failure of the whole chain, only its first error names the sources that it tried. So of several failures in a row,
 * the first is thrown.
 *
 * @returns an access key id, its secret, its token and the time when it expires if there are any; texts without surrounding white space
 * @throws errors of the provider; TransportError `ERR_CSE_ACCESS_DENIED` when a part is missing; `ERR_CSE_TIMEOUT`; the
 * signal's reason
 *
 * @example
 * ```ts
 * const { accessKeyId, accessKeySecret, securityToken } = await askCredentials(credentials, { timeoutMs: 10_000 })
 * ```
 */
export async function askCredentials(
  provider: CredentialsProvider,
  { timeoutMs, signal }: AskCredentialsOptions,
): Promise<AccessCredentials> {
  const late = (): TransportError => {
    const message = `No request was sent: \`credentials\` did not return within ${timeoutMs} ms.`
    return new TransportError('ERR_CSE_TIMEOUT', message, { retryable: true })
  }
  return pending.run(provider, () => checkedCredentials(provider), { timeoutMs, signal, late })
}

async function checkedCredentials(provider: CredentialsProvider): Promise<AccessCredentials> {
  let given: Awaited<ReturnType<CredentialsProvider['getCredential']>> | undefined
  try {
    given = await provider.getCredential()
    failures.delete(provider)
  } catch (error) {
    const first = failures.get(provider) ?? { error }
    failures.set(provider, first)
    throw first.error
  }
  const accessKeyId = textOf(given?.accessKeyId)
  const accessKeySecret = textOf(given?.accessKeySecret)
  const securityToken = textOf(given?.securityToken)
  if (accessKeyId === undefined || accessKeySecret === undefined) {
    const missing = [!accessKeyId && 'accessKeyId', !accessKeySecret && 'accessKeySecret']
    throw new TransportError(
      'ERR_CSE_ACCESS_DENIED',
      `No request was sent: \`credentials\` returned no ${missing.filter(Boolean).join(' and no ')}. Its getCredential() must resolve to { accessKeyId, accessKeySecret, securityToken? }.`,
      { retryable: false },
    )
  }
  const expiration = dateOf(given?.expiration)
  return {
    accessKeyId,
    accessKeySecret,
    ...(securityToken !== undefined && { securityToken }),
    ...(expiration !== undefined && { expiration }),
  }
}

function dateOf(value: unknown): Date | undefined {
  const date = new Date(
    value instanceof Date || typeof value === 'string' ? value : Number(value ?? Number.NaN),
  )
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Removes surrounding white space: an environment variable often ends with a line break. */
function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : ''
  return text === '' ? undefined : text
}
