import { stat } from 'node:fs/promises'
import type { CryptoBucket, PutResult } from '@oss-cse/bucket'
import { putFile } from '@oss-cse/bucket/node'
import type OSS from 'ali-oss'
import { type AliOssResponse, callbackResult } from './ali-oss-response.ts'
import { beginCall } from './client-state.ts'
import { objectOptions, type PutOptions } from './request-options.ts'
import { type FileInput, uploadBody } from './upload-body.ts'

/** The result of an upload. */
export interface PutObjectResult {
  readonly name: string
  readonly url: string
  /** The response of your callback server, if you set a callback. */
  readonly data: object
  readonly res: AliOssResponse
  /**
   * The commitment of a sealed object. Kept outside the bucket, it notices rollback and replacement: see `expectCommitment`
   * of `ReadOptions`. Absent if the object is not sealed.
   */
  readonly commitment?: string
}

/** Encrypts and uploads an object in one request. See `CryptoOSS.put`. */
export async function putObject(
  client: OSS,
  name: string,
  file: FileInput,
  options: PutOptions,
): Promise<PutObjectResult> {
  const { signal, deadlineMs } = options
  const call = beginCall(client, options)
  const key = call.key(name)
  const path = typeof file === 'string' ? file : undefined
  // For a missing file this throws Node's own error, as in ali-oss.
  if (path !== undefined) await stat(path)
  const { sizeBytes, ...object } = objectOptions(options, path)
  const put = async (bucket: CryptoBucket): Promise<PutResult> => {
    if (typeof file === 'string') return putFile(bucket, key, file, { ...object, signal, deadlineMs })
    const body = uploadBody(file)
    return bucket.put(key, body, { ...object, signal, deadlineMs, ...(!hasLength(body) && { sizeBytes }) })
  }
  const result = await call.run(put)
  const res = call.response(key, { headers: result.headers })
  const { callbackData, commitment } = result
  return {
    name: key,
    url: call.url(key),
    res,
    ...callbackResult(callbackData),
    ...(commitment !== undefined && { commitment }),
  }
}

/** True for bodies that have a length: bytes and a Blob. */
function hasLength(body: unknown): boolean {
  return typeof body === 'object' && body !== null && ('byteLength' in body || 'size' in body)
}
