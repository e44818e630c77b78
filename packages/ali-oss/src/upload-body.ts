import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { BodyInput, CryptoBucket, SizedSource, UploadOptions, UploadResult } from '@oss-cse/bucket'
import { uploadFile } from '@oss-cse/bucket/node'
import { isUint8Array } from '@oss-cse/crypto-core/internal'
import { invalid } from './request-options.ts'

/** How many bytes of a file are read at a time. */
const READ_BYTES = 256 * 1024
/** How many bytes of content are digested at a time. */
const DIGESTED_BYTES = 8 * 1024 ** 2

/** The source of an upload: the path of a file, bytes, a Blob, or a stream. */
export type FileInput =
  | string
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | NodeJS.ReadableStream

/** Returns the body for the bucket. An old-style stream that is not async-iterable is wrapped. */
export function uploadBody(file: Exclude<FileInput, string>): BodyInput {
  if (!isOldStream(file)) return file as Exclude<BodyInput, string>
  if (file.readable !== true || ('destroyed' in file && file.destroyed)) {
    throw invalid('the stream is not readable: it was read or closed before, or it is write-only')
  }
  return new Readable({
    // Values that are neither bytes nor text must pass, so that they are refused later.
    objectMode: true,
    destroy(error, done) {
      ;(file as Partial<Readable>).destroy?.()
      done(error)
    },
  }).wrap(file)
}

/** Returns a part of the source, from `start` to before `end`; for a stream all of it. */
export function partBody(file: FileInput, start: number, end: number): BodyInput {
  if (typeof file === 'string') {
    const range = { start, end: end - 1, highWaterMark: READ_BYTES }
    return { sizeBytes: end - start, open: () => createReadStream(file, range) }
  }
  if (isUint8Array(file)) return file.subarray(start, end)
  return isBlob(file) ? file.slice(start, end) : uploadBody(file)
}

/** A file, or content in memory, that is uploaded in parts. */
export interface PartsSource {
  /** The path of the file. */
  readonly path?: string
  readonly sizeBytes: number
  /** Returns a text that differs when a file may have changed, whatever its other times are. */
  changeMark(): Promise<string>
  upload(bucket: CryptoBucket, key: string, options: UploadOptions): Promise<UploadResult>
}

/**
 * Examines the source of an upload in parts. The digest of content in memory shows whether it is unchanged, also when
 * another process resumes the upload.
 *
 * @throws Node's own error, such as `ENOENT`, as ali-oss does; CseError `ERR_CSE_INVALID_ARGUMENT` for a stream,
 *   because a failed part could not be sent again.
 */
export async function partsSource(content: unknown): Promise<PartsSource> {
  if (typeof content === 'string') {
    const { size } = await stat(content, { bigint: true })
    return {
      path: content,
      sizeBytes: Number(size),
      async changeMark() {
        const { ino, ctimeNs } = await stat(content, { bigint: true })
        return `${ino} ${ctimeNs}`
      },
      upload: (bucket, key, options) => uploadFile(bucket, key, content, options),
    }
  }
  if (!isUint8Array(content)) {
    throw invalid(
      'multipartUpload takes the path of a file or a Buffer. Upload a stream with putStream, or in parts with initMultipartUpload and uploadPart',
    )
  }
  // A copy, because the caller may change the content meanwhile. The changed bytes must not be sent under a key that
  // encrypted the original bytes.
  const copy = Uint8Array.from(content)
  let digest: Promise<string> | undefined
  const source: SizedSource = {
    sizeBytes: copy.length,
    async *open(offsetBytes, sizeBytes) {
      yield copy.subarray(offsetBytes, offsetBytes + sizeBytes)
    },
    fingerprint() {
      digest ??= sha256Of(copy)
      return digest
    },
  }
  return {
    sizeBytes: content.length,
    changeMark: async () => '',
    upload: (bucket, key, options) => bucket.upload(key, source, options),
  }
}

/** In slices, so that other work can run. */
async function sha256Of(content: Uint8Array): Promise<string> {
  const hash = createHash('sha256')
  for (let offset = 0; offset < content.length; offset += DIGESTED_BYTES) {
    hash.update(content.subarray(offset, offset + DIGESTED_BYTES))
    await setImmediate()
  }
  return hash.digest('hex')
}

function isOldStream(file: Exclude<FileInput, string>): file is NodeJS.ReadableStream {
  return typeof file === 'object' && file !== null && 'pipe' in file && !(Symbol.asyncIterator in file)
}

function isBlob(file: unknown): file is Blob {
  return typeof file === 'object' && file !== null && 'arrayBuffer' in file && 'stream' in file
}
