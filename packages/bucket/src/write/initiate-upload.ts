import { backgroundTimer, type CallOptions, type HeaderMap, orAborted } from '@oss-cse/crypto-core'
import type { BucketContext } from '../policy/bucket-context.ts'
import { abortQuietly, type MultipartObjectTransport } from './multipart-transport.ts'

/** How long the response to an initiation that was aborted is awaited, in milliseconds. */
const LATE_RESPONSE_MS = 3_000

/**
 * Sends one InitiateMultipartUpload.
 *
 * When the signal aborts, the service may have begun an upload whose id only its response tells. So the request does not
 * end with the signal: its response is taken in the background, for at most 3 seconds, and the upload is aborted.
 *
 * @returns the upload's id
 * @throws the signal's reason, at once; what the transport throws
 */
export async function initiateUpload(
  context: BucketContext,
  transport: MultipartObjectTransport,
  request: CallOptions & { readonly key: string; readonly headers: HeaderMap },
): Promise<string> {
  const { key, headers, signal } = request
  signal?.throwIfAborted()
  const late = new AbortController()
  const response = transport.initiate({ key, headers, signal: late.signal })
  try {
    const { uploadId } = await orAborted(response, signal)
    return uploadId
  } catch (error) {
    if (signal?.aborted) undo()
    throw error
  }

  function undo(): void {
    const stop = backgroundTimer(() => late.abort(signal?.reason), LATE_RESPONSE_MS)
    const undone = response
      .then(({ uploadId }) => abortQuietly(context, transport, { key, uploadId, headers }))
      // Without a response there is no id: what was begun all the same, `listUploads` shows.
      .catch(() => {})
      .finally(stop)
    context.leftovers.add(orAborted(undone, late.signal).catch(() => {}))
  }
}
