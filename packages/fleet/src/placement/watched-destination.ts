import {
  type CallOptions,
  CseError,
  decodeEnvelope,
  type HeaderMap,
  type PutObjectResponse,
} from '@oss-cse/crypto-core'
import type { ContentDestination } from '../content/new-content.ts'

/** What watches the writes to a destination. */
export interface WriteWatch {
  /** Headers that each write has. */
  readonly headers?: HeaderMap | undefined
  /** The key that is written instead of the one that is asked for. */
  readonly key?: string | undefined
  /** Called before a request that stores an object. The request is sent when it has returned. */
  beforeStored(wrappedCek: string, options: CallOptions): Promise<void>
  /** Called with the response to such a request. */
  onStored?(response: PutObjectResponse): void
}

/** Returns a destination whose writes are watched. Reads pass through. */
export function watchedDestination(destination: ContentDestination, watch: WriteWatch): ContentDestination {
  const { headers: added = {}, key: otherKey } = watch
  const keyed = <Request extends { readonly key: string }>(request: Request): Request =>
    otherKey === undefined ? request : { ...request, key: otherKey }
  const stored = (response: PutObjectResponse): PutObjectResponse => {
    watch.onStored?.(response)
    return response
  }
  const before = async (headers: HeaderMap, { signal }: CallOptions): Promise<void> => {
    const envelope = decodeEnvelope(headers)
    if (envelope === undefined) throw withoutEnvelope()
    await watch.beforeStored(envelope.wrappedCek, { signal })
    // The lease may have been lost meanwhile.
    signal?.throwIfAborted()
  }
  const { initiate, uploadPart, complete, abort, listParts, listUploads } = destination
  const initiated = new Map<string, HeaderMap>()
  return {
    location: destination.location,
    get: (request) => destination.get(keyed(request)),
    head: (request) => destination.head(keyed(request)),
    async put(request) {
      await before(request.headers, request)
      return stored(await destination.put({ ...keyed(request), headers: { ...request.headers, ...added } }))
    },
    ...(initiate && {
      async initiate(request) {
        const headers = { ...request.headers, ...added }
        const upload = await initiate.call(destination, { ...keyed(request), headers })
        initiated.set(upload.uploadId, headers)
        return upload
      },
    }),
    ...(uploadPart && { uploadPart: (request) => uploadPart.call(destination, keyed(request)) }),
    ...(complete && {
      async complete(request) {
        await before(initiated.get(request.uploadId) ?? {}, request)
        const headers = { ...request.headers, ...added }
        return stored(await complete.call(destination, { ...keyed(request), headers }))
      },
    }),
    ...(abort && { abort: (request) => abort.call(destination, keyed(request)) }),
    ...(listParts && { listParts: (request) => listParts.call(destination, keyed(request)) }),
    ...(listUploads && { listUploads: (request) => listUploads.call(destination, request) }),
  }
}

function withoutEnvelope(): CseError {
  return new CseError(
    'ERR_CSE_NOT_ENCRYPTED',
    'A fleet stores encrypted objects alone, and this one has no envelope.',
  )
}
