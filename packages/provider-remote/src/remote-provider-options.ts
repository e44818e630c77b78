import { CseError, type HeaderMap, type MaterialDescription } from '@oss-cse/crypto-core'
import { MAX_TIMER_MS } from '@oss-cse/crypto-core/internal'
import type { KeyServerAddress } from './key-server-call.ts'

/**
 * Options of a {@link RemoteProvider}. Either `publicKey` or `wrapAlgorithm` is required.
 *
 * @example
 * ```ts
 * const options: RemoteProviderOptions = {
 *   url: '/keys',
 *   publicKey: await (await fetch('/master-public.pem')).text(),
 *   materialDescription: { key: '2026-11' },
 *   headers: async () => ({ authorization: `Bearer ${await session.token()}` }),
 * }
 * ```
 */
export interface RemoteProviderOptions {
  /**
   * The URL of the key server: HTTPS, or a server of this machine. In a page it may be relative. Without it, the provider only
   * encrypts, and needs `publicKey`.
   */
  readonly url?: string | URL | undefined
  /**
   * The RSA public key, as PEM text (SPKI or PKCS#1) or as SPKI in DER: 2,048 to 8,192 bits, exponent 65,537. The key server holds
   * its private half.
   */
  readonly publicKey?: string | Uint8Array | undefined
  /** The wrap algorithm of the key that encrypts on the server, such as `KMS/ALICLOUD`. Writes then ask the key server. */
  readonly wrapAlgorithm?: string | undefined
  /** The name of the key in the objects that it encrypts, the same as on the server. Default: empty. */
  readonly materialDescription?: MaterialDescription | undefined
  /** Other wrap algorithms of objects that the key server unwraps with this key. Default: none. */
  readonly alsoUnwraps?: readonly string[] | undefined
  /** The `keyIdentity` of the provider on the server, with `wrapAlgorithm`. The key server then uses no other key. Default: not stated. */
  readonly keyIdentity?: string | undefined
  /** Returns additional headers of a call, such as the token of the session. Called once for each call. */
  readonly headers?: (() => HeaderMap | Promise<HeaderMap>) | undefined
  /** Whether a call sends cookies, as in `fetch`. Default `same-origin`. */
  readonly credentials?: RequestCredentials | undefined
  /** The longest time that a call may take in milliseconds: 1 to 2**31 - 1. Default 30,000. */
  readonly timeoutMs?: number | undefined
}

const DEFAULT_TIMEOUT_MS = 30_000
const THIS_MACHINE = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** @throws CseError `ERR_CSE_INVALID_ARGUMENT` */
export function checkedAddress(options: RemoteProviderOptions): KeyServerAddress | undefined {
  const { url, publicKey, wrapAlgorithm, keyIdentity, alsoUnwraps = [] } = options ?? {}
  const { headers, credentials = 'same-origin', timeoutMs = DEFAULT_TIMEOUT_MS } = options ?? {}
  if ((publicKey === undefined) === (wrapAlgorithm === undefined)) {
    throw invalid('needs either `publicKey` or `wrapAlgorithm`')
  }
  if (url === undefined && publicKey === undefined) throw invalid('needs `url` with `wrapAlgorithm`')
  if (publicKey !== undefined && keyIdentity !== undefined) {
    throw invalid('takes no `keyIdentity` with `publicKey`, which is the identity')
  }
  for (const [name, value] of Object.entries({ wrapAlgorithm, keyIdentity })) {
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw invalid(`needs a text as \`${name}\``)
    }
  }
  if (!Array.isArray(alsoUnwraps)) throw invalid('needs an array of names as `alsoUnwraps`')
  if (headers !== undefined && typeof headers !== 'function')
    throw invalid('needs a function as `headers`, which is called for each request')
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > MAX_TIMER_MS) {
    throw invalid(`needs a whole number from 1 to ${MAX_TIMER_MS} as \`timeoutMs\``)
  }
  return url === undefined ? undefined : { url: checkedUrl(url), headers, credentials, timeoutMs }
}

/** The requests hold the session, and the responses content keys. */
function checkedUrl(url: string | URL): URL {
  let parsed: URL | undefined
  try {
    parsed = new URL(url, globalThis.location?.href)
  } catch {
    // A relative URL outside of a page, too.
  }
  const { protocol, hostname } = parsed ?? {}
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && THIS_MACHINE.test(hostname ?? ''))
  if (parsed !== undefined && isPrivate) return parsed
  throw invalid('needs an https:// URL of the key server as `url`, absolute unless it is used in a page')
}

function invalid(what: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `A RemoteProvider ${what}.`)
}
