import { createHash } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import type { WritableFile } from '../cipher/run-target.ts'
import type { CryptoBucket } from '../crypto-bucket.ts'
import type { DownloadOptions, DownloadResult, DownloadTarget } from '../resume/resumable-download.ts'
import { replaceFile } from './replace-file.node.ts'
import { finalPath, TemporaryFile } from './temporary-file.node.ts'

/**
 * Downloads and decrypts an object into a file. The file has a temporary name in the same directory until everything
 * has arrived, is verified and is on disk. Then it is renamed. After a failure there is no file at `path`, or the old
 * one.
 *
 * A large object is downloaded in parts, several in parallel. With a `checkpointStore`, a call with the same arguments
 * resumes an interrupted download, even in another process, and fetches only what is missing. Until then, the fetched
 * bytes stay in the directory, decrypted, under the temporary name. A range takes one request.
 *
 * @param path - the file to create or replace
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request, when the file cannot be created there; `ERR_CSE_FILE`
 * when it cannot be written, for example on a full disk; `ERR_CSE_THREAD` when the thread that decrypts a large file
 * ends, and the next one too; otherwise as `CryptoBucket.download`.
 *
 * @example
 * ```ts
 * await downloadFile(bucket, 'backups/db.tar', './db.tar', { checkpointStore: new FileCheckpointStore() })
 * ```
 */
export async function downloadFile(
  bucket: CryptoBucket,
  key: string,
  path: string,
  options: DownloadOptions = {},
): Promise<DownloadResult> {
  const { range, ...whole } = options
  if (range !== undefined) {
    return replaceFile(path, async (append) => {
      const { body, ...result } = await bucket.get(key, options)
      for await (const chunk of body) await append(chunk)
      return { ...result, resumedBytes: 0 }
    })
  }
  // Before any request, and before any bytes of an earlier run are touched.
  await TemporaryFile.open(path).then((probe) => probe.discard())
  const identity = await finalPath(path)
  const target = new FileTarget(path, identity, options.checkpointStore && resumableName(identity, key))
  return bucket.download(key, target, whole)
}

function resumableName(identity: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([identity, key]))
    .digest('hex')
    .slice(0, 32)
}

/** A file that a download writes. For a resumable download, it has a temporary name that the next run finds again. */
class FileTarget implements DownloadTarget {
  readonly identity: string
  readonly #path: string
  readonly #name: string | undefined
  #file: TemporaryFile | undefined
  #sizeBytes = 0

  constructor(path: string, identity: string, name: string | undefined) {
    this.#path = path
    this.identity = identity
    this.#name = name
  }

  async open(sizeBytes: number, keep: boolean): Promise<boolean> {
    this.#file ??= await TemporaryFile.open(this.#path, { name: this.#name, keep })
    const file = this.#file
    this.#sizeBytes = sizeBytes
    if (keep && sizeBytes > 0 && (await file.sizeBytes()) === sizeBytes) return true
    await file.resize(0)
    await this.#checkSpace(sizeBytes)
    await file.resize(sizeBytes)
    return false
  }

  get file(): WritableFile | undefined {
    const file = this.#file
    return file && { fd: file.fd, sizeBytes: this.#sizeBytes, failure: (cause) => file.failure(cause) }
  }

  async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    await this.#opened().write(chunk, offsetBytes)
  }

  flush(): void {
    this.#file?.flush()
  }

  read(offsetBytes: number, sizeBytes: number): AsyncIterable<Uint8Array> {
    return this.#opened().read(offsetBytes, sizeBytes)
  }

  async commit(): Promise<void> {
    await this.#opened().commit()
    this.#file = undefined
  }

  async discard(): Promise<void> {
    await this.#file?.discard()
    this.#file = undefined
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }

  #opened(): TemporaryFile {
    if (this.#file === undefined) throw new CseError('ERR_CSE_FILE', `${this.#path} is not open.`)
    return this.#file
  }

  /** Setting the length of a file does not reserve space, so this checks the free space before the bytes arrive. */
  async #checkSpace(sizeBytes: number): Promise<void> {
    const { bavail, bsize, blocks } = await statfs(dirname(this.identity), { bigint: true })
    // Some file systems do not report it.
    if (blocks === 0n || bavail * bsize >= BigInt(sizeBytes)) return
    throw new CseError(
      'ERR_CSE_FILE',
      `${this.#path} could not be written: it needs ${sizeBytes} bytes, and ${bavail * bsize} are free there.`,
    )
  }
}
