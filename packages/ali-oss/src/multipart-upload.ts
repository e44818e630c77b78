import { isNoSuchUpload, type UploadOptions } from '@oss-cse/bucket'
import type { ContentFormat, PartPlan } from '@oss-cse/crypto-core'
import { MIN_PART_BYTES, planParts, roundedPartSize, SegmentPlan } from '@oss-cse/crypto-core/internal'
import { type AliOssResponse, callbackResult } from './ali-oss-response.ts'
import type { RunningUpload } from './open-uploads.ts'
import { invalid, objectOptions, type PutOptions } from './request-options.ts'
import type { ServiceCall, UploadListener } from './service-call.ts'
import { partError, stopped } from './service-error.ts'
import { partsSource } from './upload-body.ts'
import { type Checkpoint, type ProgressCallback, UploadCheckpoint } from './upload-checkpoint.ts'

/** Options of `multipartUpload`. */
export interface MultipartUploadOptions extends PutOptions {
  /** The number of parallel parts, at most 100. Default 5. */
  readonly parallel?: number | undefined
  /**
   * The stored length of each part but the last in bytes, at least 100 KiB. It is rounded up to a multiple of 16, and so
   * that 10,000 parts are enough. For a sealed object, it is rounded up to a multiple of 64 KiB, at least 128 KiB.
   * Default 1 MiB.
   */
  readonly partSize?: number | undefined
  readonly progress?: ProgressCallback | undefined
  /**
   * The checkpoint that an earlier run passed to `progress`. The upload resumes there if the file, the format and the
   * context are unchanged.
   */
  readonly checkpoint?: Checkpoint | undefined
}

/** The result of `multipartUpload` and `completeMultipartUpload`. */
export interface MultipartUploadResult {
  readonly res: AliOssResponse
  readonly bucket: string
  readonly name: string
  /** The ETag of the ciphertext. */
  readonly etag: string
  /** The response of your callback server, if you set a callback. */
  readonly data: object
  /** The commitment of a sealed object, see `PutObjectResult`. Absent if the object is not sealed. */
  readonly commitment?: string
}

const DEFAULT_PART_SIZE = 1024 ** 2
const DEFAULT_PARALLEL = 5
const MAX_PARALLEL = 100

/**
 * Uploads a file, or content in memory, in parts. See `CryptoOSS.multipartUpload`.
 *
 * @param begin - starts the call to the service
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
  const failedParts = new WeakMap<object, number>()
  const call = begin({
    initiated(uploadId, response) {
      running.uploadId = uploadId
      checkpoint.initiated(uploadId, response)
    },
    uploaded: (part, response) => checkpoint.uploaded(part, response),
    // The upload was aborted: throw the error of ali-oss for that.
    refused(reason, partNumber) {
      if (isNoSuchUpload(reason)) return stopped('abort')
      // The first failed part stops the others, which then fail with the same reason.
      const isObject = typeof reason === 'object' && reason !== null
      if (isObject && !failedParts.has(reason)) failedParts.set(reason, partNumber)
      return reason
    },
  })
  const wanted = (given?.encryption && given.partSize) || options.partSize
  const { partSizeBytes, partCount } = planFor(sizeBytes, wanted, call.bucket.format)
  const checkpoint = new UploadCheckpoint(
    { path, name, sizeBytes, partSizeBytes, partCount, changeMark, currentMark: () => source.changeMark() },
    given,
    progress,
  )
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
      // The upload of the old file. If the abort fails, its parts only cost space.
      await bucket.abortMultipartUpload(key, given.uploadId, { signal: running.signal }).catch(() => {})
    }
    return source.upload(bucket, key, upload)
  })
  const result = await uploading.catch((error: unknown) => {
    if (!(error instanceof Error)) throw error
    // An error that stopped the whole upload does not belong to a part.
    const partNum = running.signal.aborted ? undefined : failedParts.get(error.cause ?? error)
    throw partNum === undefined ? error : partError(error, partNum)
  })
  const res = call.response(key, { headers: result.headers })
  if (inParts) await progress?.(1, null, res)
  else await progress?.(1)
  const { etag = '', callbackData, commitment } = result
  return {
    res,
    bucket: call.bucketName,
    name,
    etag,
    ...callbackResult(callbackData),
    ...(commitment !== undefined && { commitment }),
  }
}

function checkPartSize(partSize: number): void {
  if (Number.isInteger(partSize) && partSize >= MIN_PART_BYTES) return
  throw invalid(`partSize must be a whole number of bytes, at least ${MIN_PART_BYTES}, not ${partSize}`)
}

/** Plans parts of the size that ali-oss would use, rounded up for the encryption. */
function planFor(sizeBytes: number, wanted: number | undefined, format: ContentFormat): PartPlan {
  const { storedBytes } = format === 'sealed' ? new SegmentPlan(sizeBytes) : { storedBytes: sizeBytes }
  return planParts(sizeBytes, roundedPartSize(storedBytes, wanted || DEFAULT_PART_SIZE, format), format)
}
