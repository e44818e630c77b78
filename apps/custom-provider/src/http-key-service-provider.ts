import {
  type CallOptions,
  CseError,
  type CseErrorCode,
  callWithRetries,
  checkedRetryOptions,
  concatBytes,
  createWrappingProvider,
  decodeBase64,
  encodeBase64,
  isRetryableStatus,
  type MasterKeyProvider,
  type MaterialDescription,
  type RetryOptions,
  TransportError,
  unwrapFailed,
} from '@oss-cse/crypto-core'

const WRAP_ALGORITHM = 'EXAMPLE/HTTP-KEY-SERVICE'
/** Far more than a response of the service has. */
const MAX_RESPONSE_BYTES = 64 * 1024

/** Options of {@link createHttpKeyServiceProvider}. */
export interface HttpKeyServiceOptions {
  /** The URL of the service, with a slash at the end: `https://keys.example/v1/`. */
  readonly url: string
  /** The id of the service's key that wraps and unwraps. */
  readonly keyId: string
  /** Returns a currently valid token. It is called for each request, and should cache the token. */
  getToken(): string | Promise<string>
  /** The name of the key in the objects that it encrypts. Give each new key a new name. */
  readonly materialDescription?: MaterialDescription | undefined
  /** The time limit of one attempt in milliseconds. Default 5,000. */
  readonly timeoutMs?: number | undefined
  readonly retry?: RetryOptions | undefined
}

/**
 * Makes a provider whose master key never leaves an HTTP service. The service wraps and unwraps.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the URL would send content keys in plaintext over a network
 */
export function createHttpKeyServiceProvider(options: HttpKeyServiceOptions): MasterKeyProvider {
  const { keyId, materialDescription } = options
  const base = checkedUrl(options.url)
  const timeoutMs = options.timeoutMs ?? 5000
  const retry = checkedRetryOptions(options.retry)

  async function call(operation: 'wrap' | 'unwrap', request: object, signal: CallOptions['signal']) {
    const url = new URL(`keys/${encodeURIComponent(keyId)}/${operation}`, base)
    const attempt = async (): Promise<Uint8Array> => {
      const { status, text } = await post(url, request, signal)
      // The service uses this status for a mismatch, and for nothing else.
      if (operation === 'unwrap' && status === 422) throw unwrapFailed()
      if (status !== 200) throw refused(status)
      return resultOf(text)
    }
    try {
      return await callWithRetries(attempt, { retry, signal })
    } catch (error) {
      if (!TransportError.isInstance(error) || !error.retryable) throw error
      // Otherwise the bucket would retry, and multiply the attempts.
      throw TransportError.with(error, { retriesExhausted: true })
    }
  }

  async function post(url: URL, request: object, signal: CallOptions['signal']) {
    const token = await tokenOf(options)
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        // Content keys are only in bodies: URLs end up in logs.
        body: JSON.stringify(request),
        // To follow a redirect would send the body to another server.
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      return { status: response.status, text: await shortText(response) }
    } catch {
      // The error of fetch is dropped: it may contain any part of the request.
      signal?.throwIfAborted()
      throw timeout.aborted
        ? failure('ERR_CSE_TIMEOUT', `did not respond within ${timeoutMs} ms`, { retryable: true })
        : failure('ERR_CSE_NETWORK', 'could not be reached, or the connection broke', { retryable: true })
    }
  }

  return createWrappingProvider({
    wrapAlgorithm: WRAP_ALGORITHM,
    materialDescription,
    // The request names the object: the service may allow some objects and refuse others.
    wrap: (bytes, { field, object, signal }) =>
      call('wrap', { field, object, bytes: encodeBase64(bytes) }, signal),
    unwrap: (wrapped, { field, object, signal }) =>
      call('unwrap', { field, object, bytes: encodeBase64(wrapped) }, signal),
  })
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '')
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && local)) return url
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    'The key service needs an https: URL, because requests contain content keys in plaintext. Only this machine may use http:.',
  )
}

/** Returns the text of a response, or '' if it is longer than any response of the service: it may never end. */
async function shortText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length
    // Leaving the loop cancels the body.
    if (sizeBytes > MAX_RESPONSE_BYTES) return ''
    chunks.push(chunk)
  }
  return new TextDecoder().decode(concatBytes(chunks))
}

async function tokenOf(options: HttpKeyServiceOptions): Promise<string> {
  try {
    return await options.getToken()
  } catch {
    throw failure('ERR_CSE_ACCESS_DENIED', 'was not called: getToken() failed', { retryable: false })
  }
}

/** The error for a status other than 200. The body is not used: a service may repeat the request in it. */
function refused(status: number): TransportError {
  const error = (code: CseErrorCode, what: string, retryable = false): TransportError =>
    failure(code, `${what} (status ${status})`, { status, retryable })
  if (status === 401 || status === 403) return error('ERR_CSE_ACCESS_DENIED', 'denied access')
  if (status === 404) return error('ERR_CSE_MASTER_KEY_NOT_FOUND', 'does not know the key')
  if (status === 429) return error('ERR_CSE_THROTTLED', 'throttled the request', true)
  return error('ERR_CSE_SERVICE', 'failed', isRetryableStatus(status))
}

/** The bytes of a response. JSON.parse quotes the text in its error, and that text may be a content key. */
function resultOf(text: string): Uint8Array {
  let bytes: unknown
  try {
    bytes = JSON.parse(text).bytes
  } catch {
    bytes = undefined
  }
  const decoded = typeof bytes === 'string' ? decodeBase64(bytes) : undefined
  if (decoded !== undefined) return decoded
  throw failure('ERR_CSE_SERVICE', 'returned an invalid response', { retryable: false })
}

function failure(
  code: CseErrorCode,
  what: string,
  options: { readonly status?: number; readonly retryable: boolean },
): TransportError {
  return new TransportError(code, `The key service ${what}.`, options)
}
