import { decodeBase64 } from '@oss-cse/crypto-core'
import {
  entityTooLarge,
  invalidCrc64,
  invalidDigest,
  missingContentLength,
} from '../protocol/error-catalog.ts'
import type { Extent } from '../storage/blob-store.ts'
import { ContentDigest, type ContentSummary } from '../storage/content-digest.ts'
import type { OperationContext } from './operation-context.ts'

/** The maximum body of one PutObject, AppendObject or UploadPart. */
export const MAX_BODY_BYTES: number = 5 * 1024 ** 3

/** A stored body that no record refers to yet. */
export interface ReceivedContent extends ContentSummary {
  readonly extents: readonly Extent[]
}

/**
 * Streams the request body into a new blob and checks it against the headers of the request. Nothing is stored if a
 * check fails.
 *
 * @param checkSize - checks the length. It is called before the body is read, if the length is known, and after
 * @throws OssError `MissingContentLength`, `EntityTooLarge`, `InvalidDigest` or `InvalidCRC64`
 */
export async function receiveContent(
  context: OperationContext,
  checkSize: (sizeBytes: number) => void = () => undefined,
): Promise<ReceivedContent> {
  const { body, request, store } = context
  const declared = body.declaredSizeBytes
  if (declared === undefined && !body.isChunked) throw missingContentLength()
  if (declared !== undefined) checkBodySize(declared, checkSize)
  const contentMd5 = request.header('content-md5')
  if (contentMd5 !== undefined && decodeBase64(contentMd5)?.length !== 16) {
    throw invalidDigest('0017-00000502')
  }
  const digest = new ContentDigest()
  const writer = await store.createBlob()
  try {
    await body.pipe({
      write(chunk) {
        // The thread pool writes the chunk while this thread hashes it.
        const wait = writer.write(chunk)
        digest.update(chunk)
        return wait
      },
    })
    const summary = digest.finish()
    checkBodySize(summary.sizeBytes, checkSize)
    if (contentMd5 !== undefined && contentMd5 !== summary.contentMd5) throw invalidDigest('0017-00000503')
    const crc64 = request.header('x-oss-hash-crc64ecma')
    if (crc64 !== undefined && crc64 !== summary.crc64) throw invalidCrc64()
    if (summary.sizeBytes === 0) {
      await writer.abort()
      return { ...summary, extents: [] }
    }
    const blob = await writer.finish()
    return { ...summary, extents: [{ blob, start: 0, sizeBytes: summary.sizeBytes }] }
  } catch (error) {
    await writer.abort()
    throw error
  }
}

/** Discards received content that did not get a record. */
export function discardContent(context: OperationContext, content: ReceivedContent): void {
  for (const { blob } of content.extents) context.store.discardBlob(blob)
}

function checkBodySize(sizeBytes: number, checkSize: (sizeBytes: number) => void): void {
  if (sizeBytes > MAX_BODY_BYTES) throw entityTooLarge(MAX_BODY_BYTES)
  checkSize(sizeBytes)
}
