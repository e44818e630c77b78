import {
  CseError,
  type MultipartTransport,
  type ObjectTransport,
  TransportError,
  type UploadReference,
} from '@oss-cse/crypto-core'
import type { BucketContext } from './bucket-context.ts'
import { withRetries } from './retry.ts'
import { referenceHeaders } from './upload-headers.ts'

/** What a multipart upload works on. */
export type MultipartObjectTransport = ObjectTransport & MultipartTransport

/** Tells whether a transport has multipart uploads. */
export function hasMultipart(
  transport: ObjectTransport & Partial<MultipartTransport>,
): transport is MultipartObjectTransport {
  const { initiate, uploadPart, complete, abort, listParts } = transport
  return [initiate, uploadPart, complete, abort, listParts].every((call) => typeof call === 'function')
}

/**
 * The transport, when it has multipart uploads.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`
 */
export function requireMultipart(
  transport: ObjectTransport & Partial<MultipartTransport>,
): MultipartObjectTransport {
  if (hasMultipart(transport)) return transport
  throw new CseError('ERR_CSE_OPERATION_REFUSED', 'The transport of this bucket has no multipart uploads.')
}

/** How long the clearing away of an upload may take, in milliseconds: what is left then, `listUploads` shows. */
const ABORT_TIMEOUT_MS = 5_000

/**
 * Frees an upload's parts on the service, as far as that can be done. Never rejects.
 *
 * @param upload - its signal does not stop this, but when it has aborted there is less time
 */
export async function abortQuietly(
  context: BucketContext,
  transport: MultipartObjectTransport,
  upload: UploadReference,
): Promise<void> {
  const signal = AbortSignal.timeout(upload.signal?.aborted ? ABORT_TIMEOUT_MS / 10 : ABORT_TIMEOUT_MS)
  await abortUpload(context, transport, { ...upload, signal }).catch(() => {})
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

/** Tells whether a request failed because the service does not know its upload any more: it was completed, aborted or expired. */
export function isNoSuchUpload(error: unknown): boolean {
  return TransportError.isInstance(error) && error.serviceCode === 'NoSuchUpload'
}
