import type {
  ByteChunks,
  CallOptions,
  GetObjectResponse,
  MultipartTransport,
  ObjectBody,
  ObjectCatalog,
  ObjectSettings,
  ObjectTransport,
  VersionCatalog,
} from '@oss-cse/crypto-core'
import { isThrottled } from './is-throttled.ts'
import type { Throttle } from './throttle.ts'

/** The calls of a transport that wait for the throttle: those of all its ports. */
export type ThrottledCall = Exclude<
  | keyof ObjectTransport
  | keyof ObjectCatalog
  | keyof MultipartTransport
  | keyof VersionCatalog
  | keyof ObjectSettings,
  'location' | 'workerSide'
>

/** Whether a request is sent again as it is, or has a body, which only its owner can open again. */
const CALLS: Readonly<Record<ThrottledCall, 'repeatable' | 'upload'>> = {
  head: 'repeatable',
  get: 'repeatable',
  put: 'upload',
  getSymlink: 'repeatable',
  list: 'repeatable',
  delete: 'repeatable',
  deleteMany: 'repeatable',
  copy: 'repeatable',
  initiate: 'repeatable',
  uploadPart: 'upload',
  complete: 'repeatable',
  abort: 'repeatable',
  listParts: 'repeatable',
  listUploads: 'repeatable',
  listVersions: 'repeatable',
  getVersioning: 'repeatable',
  getObjectAcl: 'repeatable',
  getObjectTags: 'repeatable',
}

/** A request that is throttled more often in a row fails. */
const MAX_THROTTLED = 30

/**
 * Makes a transport whose requests wait for a throttle. It has the calls of all ports that the given one has, except those for
 * presigned URLs, and sends all requests from this thread.
 *
 * A request that the service throttles is told to the throttle and sent again, up to 30 times: it does not count as one of the
 * attempts of a bucket's `retry`. A put and the upload of a part are told and rejected, because their body can be read once.
 *
 * @example
 * ```ts
 * const limited = throttledTransport(transport, new TokenBucketThrottle({ requestsPerSecond: 500 }))
 * const bucket = new CryptoBucket({ transport: limited, keyring })
 * ```
 */
export function throttledTransport<Transport extends object>(
  transport: Transport,
  throttle: Throttle,
): Pick<Transport, keyof Transport & (ThrottledCall | 'location')> {
  const calls = new Map<string, unknown>()
  for (const [name, kind] of Object.entries(CALLS)) {
    const call = callOf(transport, name)
    if (call === undefined) continue
    calls.set(
      name,
      kind === 'repeatable'
        ? (request: CallOptions = {}) => repeated(throttle, request, call)
        : (request: UploadCall) => {
            const body = throttledBody(request.body, throttle, request)
            return sentOnce(throttle, { ...request, body }, call)
          },
    )
  }
  const get = calls.get('get') as ObjectTransport['get'] | undefined
  if (get !== undefined) {
    calls.set('get', async (request: Parameters<typeof get>[0]): Promise<GetObjectResponse> => {
      const response = await get(request)
      return { ...response, body: throttledChunks(response.body, throttle, request) }
    })
  }
  const { location } = transport as Partial<ObjectTransport>
  return { ...Object.fromEntries(calls), ...(location !== undefined && { location }) } as Transport
}

type UploadCall = CallOptions & { readonly body: ObjectBody }
type Call<Request extends CallOptions = CallOptions> = (request: Request) => Promise<unknown>

function callOf(transport: object, field: string): Call | undefined {
  const call = (transport as Readonly<Record<string, unknown>>)[field]
  return typeof call === 'function' ? (call as Call).bind(transport) : undefined
}

async function repeated(throttle: Throttle, request: CallOptions, call: Call, times = 1): Promise<unknown> {
  try {
    return await sentOnce(throttle, request, call)
  } catch (error) {
    if (!isThrottled(error) || times >= MAX_THROTTLED) throw error
  }
  return repeated(throttle, request, call, times + 1)
}

async function sentOnce<Request extends CallOptions>(
  throttle: Throttle,
  request: Request,
  call: Call<Request>,
): Promise<unknown> {
  await throttle.request({ signal: request.signal })
  try {
    return await call(request)
  } catch (error) {
    if (isThrottled(error)) throttle.throttled(error)
    throw error
  }
}

function throttledBody(body: ObjectBody, throttle: Throttle, { signal }: CallOptions): ObjectBody {
  const { sizeBytes } = body
  return { sizeBytes, open: () => throttledChunks(body.open(), throttle, { signal }) }
}

/** A chunk is passed on at once, and delays the next one. */
function throttledChunks(chunks: ByteChunks, throttle: Throttle, { signal }: CallOptions): ByteChunks {
  return {
    [Symbol.asyncIterator]() {
      const iterator = chunks[Symbol.asyncIterator]()
      let owedBytes = 0
      return {
        async next() {
          if (owedBytes > 0) await throttle.transfer(owedBytes, { signal })
          const result = await iterator.next()
          owedBytes = result.done ? 0 : result.value.length
          return result
        },
        // Also before the first `next`: it closes the connection.
        async return() {
          await iterator.return?.()
          return { done: true, value: undefined }
        },
      }
    },
    ...(chunks.recycle && { recycle: (chunk: Uint8Array) => chunks.recycle?.(chunk) }),
  }
}
