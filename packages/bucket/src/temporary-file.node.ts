import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import { lockIfPossible, openLocked } from './open-locked.node.ts'
import { removeLeftovers } from './temporary-leftovers.node.ts'
import { temporaryName } from './temporary-name.node.ts'
import { distrust } from './trusted-file.node.ts'

/** What a temporary file becomes, and what it is called until then. */
export interface TemporaryFileOptions {
  /** What tells it from other temporary files; absent: a name that none has. */
  readonly name?: string | undefined
  /**
   * The final permission bits. A file that is not replaced then has them whatever was there, and a link at the path is
   * itself replaced. Absent: those of the replaced file and its group, or what the directory gives a new file.
   */
  readonly mode?: number | undefined
}

/**
 * A file under a temporary name beside the one that it will be: bytes go there, in any order, and it takes the final
 * name only when it is committed. Until then this user alone can open it. It is locked while it is open.
 */
export class TemporaryFile {
  readonly #path: string
  readonly #target: string
  readonly #temporary: string
  readonly #file: FileHandle
  readonly #mode: number | undefined
  #closed = false

  private constructor(path: string, target: string, temporary: string, file: FileHandle, mode?: number) {
    this.#path = path
    this.#target = target
    this.#temporary = temporary
    this.#file = file
    this.#mode = mode
  }

  /**
   * Opens the temporary file of `path`. What crashed runs of this user left in its directory is removed first.
   *
   * @param path - a regular file, or none yet; the target of a link is replaced, unless `mode` is given
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the file cannot be made there; `ERR_CSE_FILE` when what is there
   * under the temporary name could be somebody else's; `ERR_CSE_CHECKPOINT_IN_USE` when another transfer has it open
   */
  static async open(path: string, { name, mode }: TemporaryFileOptions = {}): Promise<TemporaryFile> {
    const target = mode === undefined ? await finalPath(path) : resolve(path)
    await removeLeftovers(dirname(target))
    const temporary = join(dirname(target), temporaryName(name ?? randomUUID()))
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants
    const flags = O_RDWR | O_CREAT | O_NOFOLLOW
    // Whoever could open it now, whatever its mode is later, could read what is written then.
    const opening =
      name === undefined ? open(temporary, flags | O_EXCL, 0o600) : openLocked(temporary, flags, 0o600)
    const file = await opening.catch((cause: NodeJS.ErrnoException) => {
      if (CseError.isInstance(cause)) throw cause
      throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} cannot be written (${cause.code}).`, { cause })
    })
    const opened = new TemporaryFile(path, target, temporary, file, mode)
    try {
      if (name === undefined) await lockIfPossible(file)
      else await opened.#refuseForeign()
    } catch (cause) {
      // What was there before under a lasting name is not ours to remove.
      await (name === undefined ? opened.discard() : opened.close())
      throw CseError.isInstance(cause) ? cause : opened.failure(cause)
    }
    return opened
  }

  /** Refuses a file that somebody else put there, or can write to, or that is also something else. */
  async #refuseForeign(): Promise<void> {
    const found = await this.#file.stat()
    const reason =
      (!found.isFile() && 'it is not a regular file') ||
      // A link that another user made of this user's own file would let that be overwritten.
      (found.nlink > 1 && 'it is also the file of another name (a hard link)') ||
      distrust(found)
    if (!reason) {
      await this.#file.chmod(0o600)
      return
    }
    throw new CseError(
      'ERR_CSE_FILE',
      `${this.#path} could not be written: its temporary file ${this.#temporary} is not trusted: ${reason}. Remove it, or write to another directory.`,
    )
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

  /** Flushes the bytes to disk and gives them the final permissions and name. */
  async commit(): Promise<void> {
    await this.#attempt(async () => {
      await this.#setPermissions()
      await this.#file.sync()
      // Before the lock goes with the file: who takes it then must not find these bytes under the old name.
      await rename(this.#temporary, this.#target)
      await this.close()
    })
  }

  /** Gives the file its final mode and group, by its descriptor: what the name stands for may be exchanged. */
  async #setPermissions(): Promise<void> {
    if (this.#mode !== undefined) return this.#file.chmod(this.#mode)
    const replaced = await lstat(this.#target).catch(() => undefined)
    if (replaced === undefined || !replaced.isFile()) {
      return this.#file.chmod(await newFileMode(dirname(this.#target)))
    }
    const mode = replaced.mode & 0o777
    const { gid } = await this.#file.stat()
    const groupKept =
      gid === replaced.gid ||
      (await this.#file.chown(-1, replaced.gid).then(
        () => true,
        () => false,
      ))
    // Without the group the bits would be another group's.
    await this.#file.chmod(groupKept ? mode : mode & ~0o070)
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

/**
 * Removes the temporary file of a path and name, if there is one.
 *
 * @throws what the system throws
 */
export async function removeTemporaryFile(path: string, name: string): Promise<void> {
  await unlink(join(dirname(resolve(path)), temporaryName(name))).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/**
 * The permission bits that a new file gets in a directory. It is tried: to ask for the process's mask means to change it
 * for a moment, for other threads too, and a directory can have defaults of its own (an ACL).
 */
async function newFileMode(directory: string): Promise<number> {
  const path = join(directory, temporaryName(randomUUID()))
  const file = await open(path, 'wx', 0o666)
  try {
    return (await file.stat()).mode & 0o777
  } finally {
    await file.close()
    await unlink(path)
  }
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
