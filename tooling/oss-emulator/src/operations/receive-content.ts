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

/** The most that one PutObject, AppendObject or UploadPart may carry. */
export const MAX_BODY_BYTES: number = 5 * 1024 ** 3

/** A body that is stored and that no record refers to yet. */
export interface ReceivedContent extends ContentSummary {
  readonly extents: readonly Extent[]
}

/**
 * Streams the request's body into a new blob and checks it against what the request says about it. Nothing is
 * kept when that fails.
 *
 * @param checkSize - judges the length; called before the body is read, if it is known then, and after
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
  const [digest, writer] = await Promise.all([ContentDigest.create(), store.createBlob()])
  try {
    await body.pipe({
      write(chunk) {
        // The write goes on in the thread pool while this thread hashes the same chunk.
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

/** Forgets received content whose record was refused at the last moment. */
export function discardContent(context: OperationContext, content: ReceivedContent): void {
  for (const { blob } of content.extents) context.store.discardBlob(blob)
}

function checkBodySize(sizeBytes: number, checkSize: (sizeBytes: number) => void): void {
  if (sizeBytes > MAX_BODY_BYTES) throw entityTooLarge(MAX_BODY_BYTES)
  checkSize(sizeBytes)
}
