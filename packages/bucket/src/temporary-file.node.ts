import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import { openLocked } from './open-locked.node.ts'

/**
 * A file under a temporary name beside the one that it will be: bytes go there, in any order, and it takes the final
 * name only when it is committed. A replaced file's permissions stay; of a link, what it names is replaced.
 */
export class TemporaryFile {
  readonly #path: string
  readonly #target: string
  readonly #temporary: string
  readonly #file: FileHandle
  #closed = false

  private constructor(path: string, target: string, temporary: string, file: FileHandle) {
    this.#path = path
    this.#target = target
    this.#temporary = temporary
    this.#file = file
  }

  /**
   * Opens the temporary file of `path`.
   *
   * @param path - a regular file, or none yet
   * @param name - what tells it from other temporary files; absent: a name that none has
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the file cannot be made there; `ERR_CSE_FILE` when what is there
   * under the temporary name belongs to somebody else; `ERR_CSE_CHECKPOINT_IN_USE` when another transfer has it open
   */
  static async open(path: string, name?: string): Promise<TemporaryFile> {
    const target = await finalPath(path)
    const replaced = await stat(target).catch(() => undefined)
    const temporary = join(dirname(target), `.oss-cse-${name ?? randomUUID()}.part`)
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants
    const flags = O_RDWR | O_CREAT | O_NOFOLLOW | (name === undefined ? O_EXCL : 0)
    const opening = name === undefined ? open(temporary, flags, 0o666) : openLocked(temporary, flags, 0o666)
    const file = await opening.catch((cause: NodeJS.ErrnoException) => {
      if (CseError.isInstance(cause)) throw cause
      throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} cannot be written (${cause.code}).`, { cause })
    })
    const opened = new TemporaryFile(path, target, temporary, file)
    try {
      const { uid } = await file.stat()
      if (uid !== (process.getuid?.() ?? uid)) {
        throw Object.assign(new Error('the temporary file is somebody else’s'), { code: 'EPERM' })
      }
      if (replaced !== undefined) await file.chmod(replaced.mode)
    } catch (cause) {
      // What was there before under a lasting name is not ours to remove.
      await (name === undefined ? opened.discard() : opened.close())
      throw opened.failure(cause)
    }
    return opened
  }

  /** The file's length in bytes, as it is now. */
  async sizeBytes(): Promise<number> {
    return (await this.#file.stat()).size
  }

  /**
   * Gives the file its length before the bytes come.
   *
   * @throws CseError `ERR_CSE_FILE` when there is not enough space
   */
  async resize(sizeBytes: number): Promise<void> {
    await this.#attempt(() => this.#file.truncate(sizeBytes))
  }

  /**
   * @throws CseError `ERR_CSE_FILE` when the bytes cannot be written, as on a full disk
   */
  async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    await this.#attempt(async () => {
      for (let written = 0; written < chunk.length; ) {
        const position = offsetBytes + written
        written += (await this.#file.write(chunk, written, chunk.length - written, position)).bytesWritten
      }
    })
  }

  /** The open file's descriptor, for who writes it otherwise. */
  get fd(): number {
    return this.#file.fd
  }

  /** Reads back what was written. */
  async *read(offsetBytes: number, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    yield* readFileRange(this.#file, offsetBytes, sizeBytes)
  }

  /** Flushes the bytes to disk and gives them the final name. */
  async commit(): Promise<void> {
    await this.#attempt(async () => {
      await this.#file.sync()
      // Before the lock goes with the file: who takes it then must not find these bytes under the old name.
      await rename(this.#temporary, this.#target)
      await this.close()
    })
  }

  /** Removes the file. Never rejects. */
  async discard(): Promise<void> {
    if (this.#closed) return
    await unlink(this.#temporary).catch(() => {})
    await this.close()
  }

  /** Closes the file and leaves it. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#file.close().catch(() => {})
  }

  async #attempt<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (cause) {
      throw this.failure(cause)
    }
  }

  /** The error of a write that failed. */
  failure(cause: unknown): CseError {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    const full = code === 'ENOSPC' || code === 'EDQUOT' ? ': there is no space left' : ''
    return new CseError('ERR_CSE_FILE', `${this.#path} could not be written${full} (${code}).`, { cause })
  }
}

/**
 * The path of the file that a name stands for, links followed.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when something else than a regular file is there
 */
export async function finalPath(path: string): Promise<string> {
  const target = await realpath(path).catch(() => resolve(path))
  const replaced = await stat(target).catch(() => undefined)
  if (replaced !== undefined && !replaced.isFile()) {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} is not a regular file: it cannot be replaced.`)
  }
  return target
}

/** How much of a file is read at a time, in bytes. */
const READ_BYTES = 1024 * 1024

/**
 * Reads a run of a file's bytes, one chunk ahead. It ends early where the file does: a run without end reads to there.
 * A chunk holds its bytes until the next one is asked for: two buffers are filled in turn, or reading would make as much
 * garbage as it reads.
 */
export async function* readFileRange(
  file: FileHandle,
  offsetBytes: number,
  sizeBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const end = offsetBytes + sizeBytes
  const bufferBytes = Math.min(READ_BYTES, sizeBytes)
  let [filled, idle] = [new Uint8Array(bufferBytes), new Uint8Array(bufferBytes)]
  const readAt = async (position: number): Promise<Uint8Array> => {
    const buffer = idle.subarray(0, end - position)
    ;[filled, idle] = [idle, filled]
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
    return buffer.subarray(0, bytesRead)
  }
  // It may fail while the chunk before it is being worked on: heard here, thrown when it is awaited.
  const readAhead = (position: number): Promise<Uint8Array> => {
    const reading = readAt(position)
    reading.catch(() => {})
    return reading
  }
  let next = offsetBytes < end ? readAhead(offsetBytes) : undefined
  try {
    for (let position = offsetBytes; next !== undefined; ) {
      const chunk = await next
      position += chunk.length
      next = chunk.length > 0 && position < end ? readAhead(position) : undefined
      if (chunk.length > 0) yield chunk
    }
  } finally {
    // Read ahead and not wanted any more: the file must not be closed under it.
    await next?.catch(() => {})
  }
}
