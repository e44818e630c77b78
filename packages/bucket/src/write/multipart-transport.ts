import {
  type CallOptions,
  CseError,
  type HeaderMap,
  type MultipartTransport,
  type ObjectTransport,
  orAborted,
  TransportError,
  type UploadReference,
} from '@oss-cse/crypto-core'
import { backgroundTimer } from '@oss-cse/crypto-core/internal'
import type { BucketContext } from '../policy/bucket-context.ts'
import { referenceHeaders } from '../policy/request-headers.ts'
import { withRetries } from '../policy/retry.ts'

/** The transport of a multipart upload. */
export type MultipartObjectTransport = ObjectTransport & MultipartTransport

/** Returns whether a transport has multipart uploads. */
export function hasMultipart(
  transport: ObjectTransport & Partial<MultipartTransport>,
): transport is MultipartObjectTransport {
  const { initiate, uploadPart, complete, abort, listParts } = transport
  return [initiate, uploadPart, complete, abort, listParts].every((call) => typeof call === 'function')
}

/**
 * Returns the transport if it has multipart uploads.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`
 */
export function requireMultipart(
  transport: ObjectTransport & Partial<MultipartTransport>,
): MultipartObjectTransport {
  if (hasMultipart(transport)) return transport
  throw new CseError('ERR_CSE_OPERATION_REFUSED', 'The transport of this bucket has no multipart uploads.')
}

/** How long aborting an upload may take, in milliseconds. `listUploads` shows what is left then. */
const ABORT_TIMEOUT_MS = 5_000

/** How long an aborted caller waits for that, in milliseconds. The rest continues in the background. */
const ABORTED_WAIT_MS = 500

/**
 * Frees an upload's parts on the service, as far as possible. Never rejects.
 *
 * @param upload - its signal does not stop this, but if it has aborted, this does not wait long for the result
 */
export async function abortQuietly(
  context: BucketContext,
  transport: MultipartObjectTransport,
  upload: UploadReference,
): Promise<void> {
  const signal = AbortSignal.timeout(ABORT_TIMEOUT_MS)
  const freed = abortUpload(context, transport, { ...upload, signal }).catch(() => {})
  context.leftovers.add(freed)
  if (!upload.signal?.aborted) return freed
  let stop = (): void => {}
  const waited = new Promise<void>((resolve) => {
    stop = backgroundTimer(resolve, ABORTED_WAIT_MS)
  })
  await Promise.race([freed, waited])
  stop()
}

/**
 * Frees an upload's parts on the service.
 *
 * @param upload - with all headers of the upload
 */
export async function abortUpload(
  { retry, logger }: BucketContext,
  transport: MultipartObjectTransport,
  { key, uploadId, headers = {}, signal }: UploadReference,
): Promise<void> {
  const attempt = () => transport.abort({ key, uploadId, headers: referenceHeaders(headers), signal })
  await withRetries(attempt, { operation: 'abort', key, retry, logger, signal })
}

/**
 * Returns whether a request failed because the service no longer knows the upload: it was completed, aborted or
 * expired.
 */
export function isNoSuchUpload(error: unknown): boolean {
  return TransportError.isInstance(error) && error.serviceCode === 'NoSuchUpload'
}

/** How long to wait for the response to an aborted initiation, in milliseconds. */
const LATE_RESPONSE_MS = 3_000

/**
 * Sends one InitiateMultipartUpload.
 *
 * When the signal aborts, the service may have started an upload, and only the response contains its id. So the request
 * does not end with the signal. Its response is awaited in the background, for at most 3 seconds, and the upload is
 * aborted.
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
      // Without a response there is no id. `listUploads` shows an upload that was started anyway.
      .catch(() => {})
      .finally(stop)
    context.leftovers.add(orAborted(undone, late.signal).catch(() => {}))
  }
}
