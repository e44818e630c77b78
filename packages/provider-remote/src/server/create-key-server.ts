import { CseError, encodeBase64, type Keyring, type ObjectTransport, wipe } from '@oss-cse/crypto-core'
import { tell } from '@oss-cse/crypto-core/internal'
import pMap from 'p-map'
import { CONTENT_TYPE, type KeyRequest, PROTOCOL_VERSION, type SealedResults } from '../key-protocol.ts'
import { encryptResults } from '../response-key.ts'
import { type KeyRefusal, keyResult, type ServedKeys } from './key-result.ts'
import { isLiteralKey } from './object-key.ts'
import { readKeyCall } from './read-key-call.ts'
import { atFloor } from './response-floor.ts'
import { type UserRateOptions, UserRates } from './user-rates.ts'

/** A content key that a page asks for. */
export interface RequestedKey {
  /** `unwrap`: to read the object. `generate`: to write it, with a key that encrypts on the server. */
  readonly operation: 'unwrap' | 'generate'
  /** The object's key: 1 to 1,023 bytes, without `.` and `..` segments. */
  readonly key: string
  /** The version to read. Absent: the current one. */
  readonly versionId?: string | undefined
  /** The bucket, as the page names it. It is not checked: the envelope is read through `transport`, whatever the page states. */
  readonly location?: string | undefined
}

/** A key that was asked for and not returned. The page learns neither the error nor, mostly, which of them it was. */
export interface KeyServerFailure extends RequestedKey {
  /** What `authorize` returned. Absent if it refused. */
  readonly user?: string | undefined
  /** Why: a `CseError`, or what `authorize` threw. It holds no key. */
  readonly error: unknown
}

/**
 * Options of {@link createKeyServer}.
 *
 * @example
 * ```ts
 * const options: KeyServerOptions = {
 *   keyring: new Keyring({ encrypting: new RsaProvider({ privateKey }) }),
 *   transport: new OssTransport({ bucket, region, credentials }),
 *   authorize: async (request, { operation, key }) => {
 *     const user = await sessions.userOf(request.headers.get('cookie'))
 *     return user !== undefined && (await acl.allows(user, operation, key)) ? user.id : undefined
 *   },
 * }
 * ```
 */
export interface KeyServerOptions {
  /** The master keys. `generate` uses the encrypting one. */
  readonly keyring: Keyring
  /** The bucket of the objects. Its credentials need to read them, and nothing else. */
  readonly transport: Pick<ObjectTransport, 'head' | 'get' | 'location'>
  /**
   * Decides whether the caller may have a key. Called for each key, before any request to the bucket, with the request (its body
   * is already read). Returns a name of the user, for the rate limit, or `undefined` to refuse. If it throws, the page may try
   * again.
   */
  readonly authorize: (
    request: Request,
    wanted: RequestedKey,
  ) => Promise<string | undefined> | string | undefined
  /**
   * `sealed`: keys of other objects are refused. Under an RSA key, a failed unwrap then returns a key that opens nothing, so that
   * nobody learns which unwraps fail. Default `any`.
   */
  readonly accept?: 'any' | 'sealed' | undefined
  /**
   * The context of an object: the same as that of the buckets that write. The key server then compares the header of the object
   * with its content key, this context included. If the context contains the object's key, nobody can have a content key unwrapped
   * that they copied from the envelope of another object. Requires `accept: 'sealed'`. Default: not compared.
   */
  readonly context?: ((key: string) => string) | undefined
  /** How many keys a user may ask for. Default: 50 in a second, and 500 at once. */
  readonly rateLimit?: UserRateOptions | undefined
  /**
   * A response leaves after a multiple of this time in milliseconds, so that its time shows little: 0 to 60,000. 0 is no such
   * wait. Default 50.
   */
  readonly responseStepMs?: number | undefined
  /** Receives each failure, for a log. An error that it throws is ignored. */
  readonly onFailure?: ((failure: KeyServerFailure) => void) | undefined
}

/** Responds to the calls of a `RemoteProvider`. It rejects only if the body of the request was read before. */
export type KeyServer = (request: Request) => Promise<Response>

/** The keys of one call that are worked on at the same time. */
const CONCURRENT_KEYS = 10
const DEFAULT_STEP_MS = 50
const MAX_STEP_MS = 60_000

/**
 * Creates the handler of a key server. It holds the master keys, and returns content keys of single objects to those who may have
 * them. It runs wherever there are `Request`, `Response` and WebCrypto.
 *
 * It takes the name of an object from the page, and reads the envelope from the bucket itself. An envelope is readable metadata
 * and bound to nothing: anyone who could have any envelope unwrapped could read any object.
 *
 * All refusals are one error to the page: not authorized, not there, not encrypted, does not unwrap. `onFailure` knows more.
 *
 * Put it behind your own check of the session, which responds with 401. It sets no CORS headers. A page of another origin needs
 * them for POST, and for the headers `content-type` and `oss-cse-key-request`.
 *
 * @returns a function from a `Request` to a `Response`. It responds with 200, or with 400, 405, 413 or 415 to what is no call.
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if options are missing, malformed or contradictory
 *
 * @example
 * ```ts
 * const keyServer = createKeyServer({ keyring, transport, authorize })
 * export default { fetch: (request) => keyServer(request) }
 * ```
 */
export function createKeyServer(options: KeyServerOptions): KeyServer {
  const { authorize, onFailure, responseStepMs = DEFAULT_STEP_MS } = checkedOptions(options)
  const { keyring, transport, accept = 'any', context } = options
  const served: ServedKeys = { keyring, transport, acceptsOnlySealed: accept === 'sealed', context }
  const rates = new UserRates(options.rateLimit)

  async function userOf(request: Request, wanted: RequestedKey): Promise<string | KeyRefusal> {
    // Before `authorize`, which may compare prefixes: `mine/../yours` begins like a name of the user's own.
    if (!isLiteralKey(wanted.key)) return { failure: 'refused', error: notLiteral(wanted.key) }
    let user: unknown
    try {
      user = await authorize(request, wanted)
    } catch (error) {
      return { failure: 'unavailable', error }
    }
    if (user === undefined) return { failure: 'refused', error: notAuthorized(wanted.key) }
    if (typeof user !== 'string' || user === '') return { failure: 'refused', error: noUser(wanted.key) }
    return rates.take(user, performance.now()) ? user : { failure: 'throttled', error: tooMany(wanted.key) }
  }

  async function resultOf(request: Request, asked: KeyRequest): Promise<object> {
    const { operation, key, location } = asked
    const versionId = asked.operation === 'unwrap' ? asked.versionId : undefined
    const wanted: RequestedKey = { operation, key, versionId, location }
    const user = await userOf(request, wanted)
    const result = typeof user === 'string' ? await keyResult(served, asked, request.signal) : user
    if (!('failure' in result)) return result
    const { failure, error } = result
    tell(onFailure, { ...wanted, ...(typeof user === 'string' && { user }), error })
    return { error: failure }
  }

  return async (request) => {
    const startedMs = performance.now()
    const call = await readKeyCall(request)
    if ('status' in call) return response(call.status, { error: call.reason })
    const results = await pMap(call.requests, (asked) => resultOf(request, asked), {
      concurrency: CONCURRENT_KEYS,
    })
    const text = new TextEncoder().encode(JSON.stringify({ results }))
    const sealed = await encryptResults(text, call.callerKey).catch(() => undefined)
    wipe(text)
    await atFloor(startedMs, responseStepMs)
    if (sealed === undefined) return response(400, { error: 'The public key is no point of P-256.' })
    const body: SealedResults = {
      version: PROTOCOL_VERSION,
      publicKey: encodeBase64(sealed.publicKey),
      ciphertext: encodeBase64(sealed.ciphertext),
    }
    return response(200, body)
  }
}

function response(status: number, body: object): Response {
  const headers = {
    'content-type': CONTENT_TYPE,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  }
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, ...(status === 405 && { allow: 'POST' }) },
  })
}

function checkedOptions(options: KeyServerOptions): KeyServerOptions {
  const { keyring, transport, authorize, accept, context, responseStepMs = 0 } = options ?? {}
  if (typeof authorize !== 'function') {
    throw invalid('`authorize`, which decides whether a user may have the key of an object')
  }
  if (typeof keyring?.unwrapToOpen !== 'function') throw invalid('a Keyring as `keyring`')
  if (typeof transport?.head !== 'function') throw invalid('an ObjectTransport as `transport`')
  if (accept !== undefined && accept !== 'any' && accept !== 'sealed') {
    throw invalid("'any' or 'sealed' as `accept`")
  }
  if (context !== undefined && (typeof context !== 'function' || accept !== 'sealed')) {
    throw invalid("a function as `context`, together with `accept: 'sealed'`: other objects have no context")
  }
  if (!Number.isInteger(responseStepMs) || responseStepMs < 0 || responseStepMs > MAX_STEP_MS) {
    throw invalid(`a whole number from 0 to ${MAX_STEP_MS} as \`responseStepMs\``)
  }
  return options
}

function invalid(what: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `A key server needs ${what}.`)
}

function notLiteral(objectKey: string): CseError {
  return new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `${objectKey} is no key of an object that every HTTP client sends as it is.`,
    { objectKey },
  )
}

function notAuthorized(objectKey: string): CseError {
  return new CseError('ERR_CSE_ACCESS_DENIED', `\`authorize\` refused the key of ${objectKey}.`, {
    objectKey,
  })
}

function noUser(objectKey: string): CseError {
  return new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    '`authorize` must return a name of the user, which is not empty, or undefined.',
    { objectKey },
  )
}

function tooMany(objectKey: string): CseError {
  return new CseError('ERR_CSE_THROTTLED', 'This user asked for more keys than `rateLimit` allows.', {
    objectKey,
  })
}
