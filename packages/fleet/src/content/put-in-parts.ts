import {
  type CallOptions,
  CseError,
  type HeaderMap,
  OSS_HEADERS,
  type PartPlan,
  type UploadedPart,
} from '@oss-cse/crypto-core'
import type { ContentDestination } from './new-content.ts'
import { TakenBytes } from './taken-bytes.ts'

/** A multipart upload of stored bytes. */
export interface PartsUpload extends CallOptions {
  readonly key: string
  readonly headers: HeaderMap
  /** The headers of each part. */
  readonly partHeaders: HeaderMap
  readonly plan: PartPlan
  /** All bytes of the object. The last chunk comes after all checks of the source. */
  readonly bytes: AsyncIterable<Uint8Array>
}

/**
 * Sends bytes in parts, one after the other, in one pass. Nothing is stored unless all of them arrive. A part is never sent
 * again: if one fails, so does the whole, and its parts are removed.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` for a destination without multipart uploads; what the bytes and the destination
 * throw
 */
export async function putInParts(destination: ContentDestination, upload: PartsUpload): Promise<void> {
  const { key, headers, partHeaders, plan, signal } = upload
  const { initiate, uploadPart, complete, abort } = destination
  if (!initiate || !uploadPart || !complete || !abort) {
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `${key} is too large for one request, and the transport has no multipart uploads.`,
      { objectKey: key },
    )
  }
  // The service reads the ACL of an object when its upload is completed, and not before.
  const { [OSS_HEADERS.objectAcl]: acl, ...initiated } = headers
  const completed: HeaderMap = acl === undefined ? {} : { [OSS_HEADERS.objectAcl]: acl }
  const { uploadId } = await initiate.call(destination, { key, headers: initiated, signal })
  const rest = new TakenBytes(upload.bytes)
  try {
    const parts: UploadedPart[] = []
    for (let partNumber = 1; partNumber <= plan.partCount; partNumber += 1) {
      const { storedBytes: sizeBytes } = plan.part(partNumber)
      const body = { sizeBytes, open: () => rest.take(sizeBytes) }
      const reference = { key, uploadId, partNumber, headers: partHeaders, signal }
      parts.push(await uploadPart.call(destination, { ...reference, body }))
    }
    await complete.call(destination, { key, uploadId, parts, headers: completed, signal })
  } catch (error) {
    // Without the signal: it may be the reason. What is left behind is found by a listing of uploads.
    await abort.call(destination, { key, uploadId }).catch(() => {})
    throw error
  } finally {
    await rest.close()
  }
}
