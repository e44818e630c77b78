import { TransportError } from './errors.ts'
import type { AccessCredentials, CallOptions, CredentialsProvider } from './ports.ts'
import { SharedCalls } from './shared-calls.ts'

/** How long to wait for credentials. */
export interface AskCredentialsOptions extends CallOptions {
  /** After how many milliseconds a provider that gives nothing is given up. */
  readonly timeoutMs: number
}

const answers = new SharedCalls<CredentialsProvider, AccessCredentials>()
/** The first failure since a provider last answered. */
const failures = new WeakMap<CredentialsProvider, { readonly error: unknown }>()

/**
 * Asks a provider for the credentials of the moment: once for all who ask at the same time, whichever transport or key
 * service they ask for, and in time.
 *
 * A default chain of @alicloud/credentials 2.4 remembers the place it is looking at before it has found anything there:
 * a second question meanwhile would be put to that place alone, and fail (dist/src/providers/default.js). After a
 * failure of the whole chain it says only once what it looked for: of several failures in a row the first is thrown.
 *
 * @returns a key that belongs together, without the white space around its parts
 * @throws what the provider threw; TransportError `ERR_CSE_ACCESS_DENIED` when a part is missing; `ERR_CSE_TIMEOUT`; the
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
    const message = `No request was sent: \`credentials\` gave nothing for ${timeoutMs} ms.`
    return new TransportError('ERR_CSE_TIMEOUT', message, { retryable: true })
  }
  return answers.run(provider, () => checkedAnswer(provider), { timeoutMs, signal, late })
}

async function checkedAnswer(provider: CredentialsProvider): Promise<AccessCredentials> {
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
      `No request was sent: \`credentials\` gave no ${missing.filter(Boolean).join(' and no ')}. Its getCredential() must resolve to { accessKeyId, accessKeySecret, securityToken? }.`,
      { retryable: false },
    )
  }
  return { accessKeyId, accessKeySecret, ...(securityToken !== undefined && { securityToken }) }
}

/** Without the white space around it: an environment variable often ends with a line break. */
function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : ''
  return text === '' ? undefined : text
}
