import { OSS_HEADERS, type UploadRequest } from '@oss-cse/crypto-core'
import { tell, UploadSource } from '@oss-cse/crypto-core/internal'
import { collectedContent } from '../http/collected-content.ts'
import type { DocumentResponse, Expectation, OssCall, OssClient } from '../http/oss-client.ts'

/** Sends a call with the body of an upload. The response must show an ETag, and under a CORS rule a checksum. */
export async function storeContent(
  client: OssClient,
  call: OssCall,
  { body, signal, onSentBytes }: Pick<UploadRequest, 'body' | 'signal' | 'onSentBytes'>,
  expected: Expectation = {},
): Promise<DocumentResponse & { readonly sizeBytes: number }> {
  const { key = '' } = call
  const source = new UploadSource(body, key)
  tell(onSentBytes, 0)
  const content = await collectedContent(source, key, signal)
  const response = await client.document(
    { ...call, content, onSentBytes },
    { ...expected, shows: ['etag'], showsUnderCors: [OSS_HEADERS.crc64] },
  )
  return { ...response, sizeBytes: content.length }
}
