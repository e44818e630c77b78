import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { BodyInput, CryptoBucket, SizedSource, UploadOptions, UploadResult } from '@oss-cse/bucket'
import { uploadFile } from '@oss-cse/bucket/node'
import { isUint8Array } from '@oss-cse/crypto-core/internal'
import { invalid } from './request-options.ts'

/** How much of a file is read at a time, in bytes. */
const READ_BYTES = 256 * 1024
/** How much of a content is digested at a time, in bytes. */
const DIGESTED_BYTES = 8 * 1024 ** 2

/** What can be uploaded: a file by its path, bytes, a Blob, or a stream. */
export type FileInput =
  | string
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | NodeJS.ReadableStream

/** A body as the bucket takes it: a stream of an old kind, which is not async-iterable, by one of ours. */
export function uploadBody(file: Exclude<FileInput, string>): BodyInput {
  if (!isOldStream(file)) return file as Exclude<BodyInput, string>
  if (file.readable !== true || ('destroyed' in file && file.destroyed)) {
    throw invalid('the stream cannot be read: it was read or closed before, or can only be written to')
  }
  return new Readable({
    // What is neither bytes nor text must come through, to be refused.
    objectMode: true,
    destroy(error, done) {
      ;(file as Partial<Readable>).destroy?.()
      done(error)
    },
  }).wrap(file)
}

/** A part of what was given, from `start` to before `end`; of a stream all of it. */
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
  /** The file's. */
  readonly path?: string
  readonly sizeBytes: number
  /** Another one when a file may have changed, whatever became of its other times. */
  changeMark(): Promise<string>
  upload(bucket: CryptoBucket, key: string, options: UploadOptions): Promise<UploadResult>
}

/**
 * Looks at what is to be uploaded in parts. The digest of content in memory tells whether it is what it was, also when an
 * upload goes on in another process.
 *
 * @throws Node's own error, such as `ENOENT`, as ali-oss does; CseError `ERR_CSE_INVALID_ARGUMENT` for a stream: what went
 * wrong could not be sent again.
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
      'multipartUpload takes the path of a file or a Buffer. A stream goes up by putStream, or in parts by initMultipartUpload and uploadPart',
    )
  }
  // A copy: what the caller does to the content meanwhile must not leave under a key that the content as it was has used.
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

/** In slices, so that others get their turn. */
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
