import { MEDIA_TYPES, type ObjectResponseOptions, objectResponse } from '@oss-cse/bucket/http'
import { checkInlineTypes, errorResponse, failure } from '@oss-cse/bucket/internal'
import { CseError } from '@oss-cse/crypto-core'
import { CLAIM_MESSAGE } from './claim-message.ts'
import { checkedPath, DEFAULT_PATH } from './decrypted-url.ts'
import { OpenObjects, type ReadableBucket } from './open-objects.ts'
import type { FetchEventLike, WorkerScope } from './worker-scope.ts'

/** What a browser plays. Opened alone it is saved: the player that browsers then show may load nothing in a sandbox. */
const PLAYED = /^(?:audio|video)\//

/** Options of `serveDecrypted`. */
export interface ServeDecryptedOptions extends Pick<ObjectResponseOptions, 'inlineTypes' | 'onError'> {
  /**
   * Makes the bucket that is read: a `ReadingBucket` keeps the worker small. It is called at the first request, and again after the browser has stopped the worker, which
   * it does after some seconds without requests: so it must find all that it needs by itself, such as a key in IndexedDB. When
   * it throws, the next request calls it again.
   */
  readonly openBucket: () => ReadableBucket | Promise<ReadableBucket>
  /**
   * The path below which objects are served, with a slash at both ends. It must be inside the worker's scope. Default: `cse/`
   * below the scope.
   */
  readonly path?: string | undefined
  /** How many objects stay open, so that a further range needs neither a HEAD nor an unwrap. Default 16. */
  readonly maxOpenObjects?: number | undefined
}

/** What serves decrypted objects in this worker. */
export interface DecryptedObjects {
  /**
   * Forgets the bucket and wipes the keys of all open objects, such as after a sign-out. Reads that have begun continue. The next
   * request calls `openBucket` again.
   */
  forget(): Promise<void>
}

/**
 * Serves decrypted objects to the pages of this worker: the URL of each is that of `decryptedUrl`. Call it in the script of a
 * service worker, when the script starts, and before other listeners of `fetch`.
 *
 * Each response is that of `objectResponse`: ranges, so that players can seek; only media are shown, all else is saved. With
 * `?download=NAME` the browser saves any object, and sound and film that are opened alone, not in a player of a page. An open range of sound or film (`bytes=N-`) is answered with at most 1 MiB.
 *
 * Only requests of this origin's own pages are served. A navigation from another origin is refused, and so is one without a
 * referrer while no page of this origin is open.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the options are invalid, or outside of a service worker.
 *
 * @example
 * ```ts
 * serveDecrypted({
 *   openBucket: async () => new ReadingBucket({ transport, provider: await loadProvider() }),
 * })
 * ```
 */
export function serveDecrypted(options: ServeDecryptedOptions): DecryptedObjects {
  const worker = workerScope()
  const { openBucket, inlineTypes = MEDIA_TYPES, onError, maxOpenObjects = 16 } = options
  if (typeof openBucket !== 'function') throw invalid('openBucket must be a function')
  if (!(Number.isInteger(maxOpenObjects) && maxOpenObjects > 0))
    throw invalid(`maxOpenObjects must be a whole number from 1, not ${maxOpenObjects}`)
  checkInlineTypes(inlineTypes)
  const openedAlone = inlineTypes.filter((type) => !PLAYED.test(type))
  const { origin, pathname: scope } = new URL(worker.registration.scope)
  const path = checkedPath(options.path ?? scope + DEFAULT_PATH)
  if (!path.startsWith(scope)) throw invalid(`path ${path} is outside of the worker's scope, ${scope}`)

  let opened: Promise<OpenObjects> | undefined
  const open = (): Promise<OpenObjects> => {
    opened ??= (async () => new OpenObjects(await openBucket(), maxOpenObjects))()
    const current = opened
    current.catch(() => {
      if (opened === current) opened = undefined
    })
    return current
  }

  const respond = async (request: Request, url: URL): Promise<Response> => {
    try {
      if (!(await isOwn(request, origin, worker))) return failure(403, 'of another origin', request)
      const key = keyIn(url.pathname.slice(path.length))
      if (key === undefined) return failure(404, 'no object has this URL', request)
      const downloadName = url.searchParams.get('download') ?? undefined
      const shown = request.mode === 'navigate' ? openedAlone : inlineTypes
      return await objectResponse(await open(), key, request, { inlineTypes: shown, onError, downloadName })
    } catch (error) {
      request.signal.throwIfAborted()
      onError?.(error)
      return errorResponse(error, request)
    }
  }

  worker.addEventListener('fetch', (event: FetchEventLike) => {
    const { request } = event
    const url = new URL(request.url)
    if (url.origin !== origin || !url.pathname.startsWith(path)) return
    event.stopImmediatePropagation()
    event.respondWith(respond(request, url))
  })
  worker.addEventListener('message', (event) => {
    if (event.data === CLAIM_MESSAGE) event.waitUntil(worker.clients.claim())
  })
  return {
    async forget() {
      const last = opened
      opened = undefined
      await last?.then(
        (objects) => objects.close(),
        () => {},
      )
    },
  }
}

/**
 * Requests of other origins' pages do not come here. Their navigations do: a link, or a frame. A page may hide its referrer, so
 * one without is accepted from anyone who has a page of this origin open.
 */
async function isOwn(
  { mode, referrer }: Request,
  origin: string,
  { clients }: WorkerScope,
): Promise<boolean> {
  if (mode !== 'navigate') return true
  if (referrer !== '' && referrer !== 'about:client') return new URL(referrer).origin === origin
  return (await clients.matchAll({ includeUncontrolled: true })).length > 0
}

function keyIn(text: string): string | undefined {
  try {
    return decodeURIComponent(text) || undefined
  } catch {
    return undefined
  }
}

function workerScope(): WorkerScope {
  if ('registration' in globalThis && 'clients' in globalThis) return globalThis as unknown as WorkerScope
  throw invalid('call it in the script of a service worker')
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `serveDecrypted: ${why}.`)
}
