import { isNoSuchUpload, type UploadOptions } from '@oss-cse/bucket'
import { BLOCK_BYTES, MAX_PARTS, MIN_PART_BYTES } from '@oss-cse/crypto-core/internal'
import { type AliOssResponse, callbackAnswer } from './ali-oss-response.ts'
import type { RunningUpload } from './open-uploads.ts'
import { invalid, objectOptions, type PutOptions } from './request-options.ts'
import type { ServiceCall, UploadListener } from './service-call.ts'
import { partError, stopped } from './service-error.ts'
import { partsSource } from './upload-body.ts'
import { type Checkpoint, type ProgressCallback, UploadCheckpoint } from './upload-checkpoint.ts'

/** What may go with a `multipartUpload`. */
export interface MultipartUploadOptions extends PutOptions {
  /** How many parts are under way at once, at most 100. Default 5. */
  readonly parallel?: number | undefined
  /**
   * The length of each part but the last in bytes, at least 100 KiB; rounded up to a multiple of 16, and so that 10,000
   * parts are enough. Default 1 MiB.
   */
  readonly partSize?: number | undefined
  readonly progress?: ProgressCallback | undefined
  /** What `progress` was given in an earlier run: the upload goes on where that one ended, as long as the file is the same. */
  readonly checkpoint?: Checkpoint | undefined
}

/** What came of a `multipartUpload`, or of the completion of one. */
export interface MultipartUploadResult {
  readonly res: AliOssResponse
  readonly bucket: string
  readonly name: string
  /** The ciphertext's. */
  readonly etag: string
  /** What your server answered to the callback, when there was one. */
  readonly data: object
}

const DEFAULT_PART_SIZE = 1024 ** 2
const DEFAULT_PARALLEL = 5
const MAX_PARALLEL = 100

/**
 * Uploads a file or a content in memory in parts; see `CryptoOSS.multipartUpload`.
 *
 * @param begin - begins the call to the service
 */
export async function multipartUpload(
  begin: (listener: UploadListener) => ServiceCall,
  running: RunningUpload,
  givenName: string | null | undefined,
  file: unknown,
  options: MultipartUploadOptions,
): Promise<MultipartUploadResult> {
  const { checkpoint: given, progress } = options
  const name = (givenName ?? given?.name) as string
  const source = await partsSource(file ?? given?.file)
  const { path, sizeBytes } = source
  const changeMark = await source.changeMark()
  const inParts = sizeBytes >= MIN_PART_BYTES
  if (inParts && options.partSize) checkPartSize(options.partSize)
  const partSizeBytes = partSizeFor(sizeBytes, (given?.encryption && given.partSize) || options.partSize)
  const checkpoint = new UploadCheckpoint(
    { path, name, sizeBytes, partSizeBytes, changeMark, currentMark: () => source.changeMark() },
    given,
    progress,
  )
  const failedParts = new WeakMap<object, number>()
  const call = begin({
    initiated(uploadId, response) {
      running.uploadId = uploadId
      checkpoint.initiated(uploadId, response)
    },
    uploaded: (part, response) => checkpoint.uploaded(part, response),
    // Somebody aborted the upload: ali-oss says so in its own way.
    refused(reason, partNumber) {
      if (isNoSuchUpload(reason)) return stopped('abort')
      // The first part that fails stops the others, which then fail with the same reason.
      const isObject = typeof reason === 'object' && reason !== null
      if (isObject && !failedParts.has(reason)) failedParts.set(reason, partNumber)
      return reason
    },
  })
  const key = call.key(name)
  Object.assign(running, { call, key, uploadId: given?.uploadId })
  const { sizeBytes: _, ...object } = objectOptions(options, path)
  const upload: UploadOptions = {
    ...object,
    parallel: Math.min(Number(options.parallel) || DEFAULT_PARALLEL, MAX_PARALLEL),
    partSizeBytes,
    multipartThresholdBytes: MIN_PART_BYTES,
    checkpointStore: progress || given ? checkpoint : undefined,
    signal: running.signal,
  }
  const uploading = call.run(async (bucket) => {
    if (given?.name === name && given.encryption && given.encryption.changeMark !== changeMark) {
      // Of the file as it was. What cannot be cleared away costs space, and nothing else.
      await bucket.abortMultipartUpload(key, given.uploadId, { signal: running.signal }).catch(() => {})
    }
    return source.upload(bucket, key, upload)
  })
  const result = await uploading.catch((error: unknown) => {
    if (!(error instanceof Error)) throw error
    // What stopped the whole upload is about no part.
    const partNum = running.signal.aborted ? undefined : failedParts.get(error.cause ?? error)
    throw partNum === undefined ? error : partError(error, partNum)
  })
  const res = call.response(key, { headers: result.headers })
  if (inParts) await progress?.(1, null, res)
  else await progress?.(1)
  const { etag = '', callbackData } = result
  return { res, bucket: call.bucketName, name, etag, ...callbackAnswer(callbackData) }
}

function checkPartSize(partSize: number): void {
  if (Number.isInteger(partSize) && partSize >= MIN_PART_BYTES) return
  throw invalid(`partSize must be a whole number of bytes, at least ${MIN_PART_BYTES}, not ${partSize}`)
}

/** The part size that ali-oss would take, rounded up to what encryption needs. */
function partSizeFor(sizeBytes: number, wanted: number | undefined): number {
  const needed = Math.max(wanted || DEFAULT_PART_SIZE, MIN_PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS))
  return Math.ceil(needed / BLOCK_BYTES) * BLOCK_BYTES
}
