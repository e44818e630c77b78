import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import { sharedRun } from '../policy/shared-run.ts'
import { followedPath } from './followed-path.node.ts'
import { lockIfPossible, openLocked } from './open-locked.node.ts'
import { removeLeftovers } from './temporary-leftovers.node.ts'
import { temporaryName } from './temporary-name.node.ts'

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants
/** Strict from the start: a process that opens the file now can read all later bytes, whatever the mode is then. */
const TEMPORARY_MODE = 0o600
const GROUP = 0o070
/** The number of attempts to remove a file that somebody else keeps creating. */
const MAX_ROUNDS = 100

/** Options of a temporary file. */
export interface TemporaryFileOptions {
  /** Identifies the file, so that a later run finds it. Absent: a random name. */
  readonly name?: string | undefined
  /** True: opens an existing file of that name, if it was created here and by nobody else. */
  readonly keep?: boolean | undefined
  /**
   * The final permission bits. The permissions of a replaced file are then ignored, and a link at the path is itself
   * replaced. Absent: the permissions and the group of the replaced file of this user, or the directory's defaults.
   */
  readonly mode?: number | undefined
}

/**
 * A file that has a temporary name beside its final one until it is committed. Bytes are written in any order. Until
 * the commit only this user can open it. It is locked while it is open.
 */
export class TemporaryFile {
  readonly #path: string
  readonly #target: string
  readonly #temporary: string
  readonly #file: FileHandle
  readonly #mode: number | undefined
  readonly #datasync: () => Promise<void>
  /** Flushes that are not done. The last one is the only one that may not have begun. */
  #flushed: Promise<void> = Promise.resolve()
  #closed = false

  private constructor(path: string, target: string, temporary: string, file: FileHandle, mode?: number) {
    this.#path = path
    this.#target = target
    this.#temporary = temporary
    this.#file = file
    this.#mode = mode
    this.#datasync = sharedRun(() => file.datasync())
  }

  /**
   * Opens the temporary file of `path`. First removes leftovers of this user's crashed runs from its directory.
   *
   * @param path - a regular file, or none yet; the target of a link is replaced, unless `mode` is given
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the file cannot be created there, or could not be replaced;
   * `ERR_CSE_FILE` when a file of another user has the temporary name and cannot be removed;
   * `ERR_CSE_CHECKPOINT_IN_USE` when another transfer has it open
   */
  static async open(
    path: string,
    { name, keep = false, mode }: TemporaryFileOptions = {},
  ): Promise<TemporaryFile> {
    const target = mode === undefined ? await finalPath(path) : resolve(path)
    const directory = dirname(target)
    await removeLeftovers(directory)
    const unnamed = (): string => join(directory, temporaryName(randomUUID()))
    const attempt = async (): Promise<TemporaryFile> => {
      if (name !== undefined) {
        const temporary = join(directory, temporaryName(name))
        const file = await openNamed(path, temporary, keep)
        if (file !== undefined) return new TemporaryFile(path, target, temporary, file, mode)
      }
      const temporary = unnamed()
      const file = await open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, TEMPORARY_MODE)
      await lockIfPossible(file)
      return new TemporaryFile(path, target, temporary, file, mode)
    }
    return attempt().catch((cause: NodeJS.ErrnoException) => {
      if (CseError.isInstance(cause)) throw cause
      throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} cannot be written (${cause.code}).`, { cause })
    })
  }

  /** The file's current length in bytes. */
  async sizeBytes(): Promise<number> {
    return (await this.#file.stat()).size
  }

  /**
   * Sets the length of the file before the bytes arrive.
   *
   * @throws CseError `ERR_CSE_FILE` when there is not enough space
   */
  async resize(sizeBytes: number): Promise<void> {
    await this.#attempt(() => this.#file.truncate(sizeBytes))
  }

  /** @throws CseError `ERR_CSE_FILE` when the bytes cannot be written, for example on a full disk */
  async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    await this.#attempt(async () => {
      for (let written = 0; written < chunk.length; ) {
        const position = offsetBytes + written
        written += (await this.#file.write(chunk, written, chunk.length - written, position)).bytesWritten
      }
    })
  }

  /** The file descriptor, for code that writes to it directly. */
  get fd(): number {
    return this.#file.fd
  }

  /** Reads bytes that were written. */
  async *read(offsetBytes: number, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    yield* readFileRange(this.#file, offsetBytes, sizeBytes)
  }

  /**
   * Starts to write the bytes to disk, so that the commit has less to wait for. One flush runs at a time: each occupies one
   * of the few threads that Node.js has for files. If it fails, the commit does.
   */
  flush(): void {
    const earlier = this.#flushed
    const flushed = Promise.all([earlier, this.#datasync()]).then(() => {})
    // Handled by the commit, if there is one.
    flushed.catch(() => {})
    this.#flushed = flushed
  }

  /** Flushes the bytes to disk and gives the file its final permissions and name. */
  async commit(): Promise<void> {
    await this.#attempt(async () => {
      // The system reports a failed write to one flush alone, so none may be missed.
      this.#flushed = this.#flushed.then(() => this.#file.sync())
      await this.#flushed
      await this.#setPermissions()
      try {
        // Before the lock is released: the next owner of the lock must not find these bytes under the temporary name.
        await rename(this.#temporary, this.#target)
      } catch (error) {
        // Under the temporary name the file is private again, and can be resumed.
        await this.#chmod(TEMPORARY_MODE)
        throw error
      }
      await this.close()
    })
  }

  /** Sets the file's final mode and group through its descriptor: another file may have its name by now. */
  async #setPermissions(): Promise<void> {
    if (this.#mode !== undefined) return this.#chmod(this.#mode)
    const replaced = await lstat(this.#target).catch(() => undefined)
    const { uid, gid } = await this.#file.stat()
    // The permissions of another user's file would let that user choose who can read this one.
    if (replaced === undefined || !replaced.isFile() || replaced.uid !== uid) {
      return this.#chmod((await newFile(dirname(this.#target), 0o666)).mode)
    }
    const groupKept =
      gid === replaced.gid ||
      (await this.#file.chown(-1, replaced.gid).then(
        () => true,
        () => false,
      ))
    // Without the group, its bits would apply to another group.
    await this.#chmod(groupKept ? replaced.mode : replaced.mode & ~GROUP)
  }

  /**
   * Some file systems have no modes. On others, a file whose mode cannot be changed stays private, as it was created.
   */
  async #chmod(mode: number): Promise<void> {
    await this.#file.chmod(mode & 0o777).catch(() => {})
  }

  /** Removes the file. Never rejects. */
  async discard(): Promise<void> {
    if (this.#closed) return
    await unlink(this.#temporary).catch(() => {})
    await this.close()
  }

  /** Closes the file and keeps it, without its bytes if a flush failed. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    // What was not written may still look right to anyone who reads it before the next restart of the system.
    await this.#flushed.catch(() => this.#file.truncate(0)).catch(() => {})
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
    const full = code === 'ENOSPC' || code === 'EDQUOT' ? ': no space is left' : ''
    return new CseError('ERR_CSE_FILE', `${this.#path} could not be written${full} (${code}).`, { cause })
  }
}

/**
 * Returns the path of a file, with links followed.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when there is something other than a regular file, a file that this user
 * may not replace, or a link that is not followed
 */
export async function finalPath(path: string): Promise<string> {
  const target = await followedPath(path)
  const replaced = await stat(target).catch(() => undefined)
  if (replaced === undefined) return target
  if (!replaced.isFile()) {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} is not a regular file: it cannot be replaced.`)
  }
  if (await belongsToAnother(replaced, dirname(target))) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `${path} belongs to another user, in a directory where only its owner can replace it. Choose another file.`,
    )
  }
  return target
}

/**
 * Returns whether the system would refuse to replace a file, which it would do only at the end. That is the rule of
 * sticky directories.
 */
async function belongsToAnother(file: Stats, directory: string): Promise<boolean> {
  const user = process.geteuid?.()
  if (user === undefined || user === 0 || file.uid === user) return false
  const { mode, uid } = await stat(directory)
  return (mode & 0o1000) !== 0 && uid !== user
}

/**
 * Opens and locks a temporary file that a later run finds.
 *
 * @returns `undefined` if locks are not available, so that no later run could resume
 */
async function openNamed(path: string, temporary: string, keep: boolean): Promise<FileHandle | undefined> {
  try {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const found = await openFound(temporary)
      if (found === undefined) {
        const made = await makeNamed(temporary)
        if (made === undefined) continue
        return made
      }
      if (found !== 'foreign' && keep && (await wasMadeHere(found, dirname(temporary)))) return found
      // A process that opened the file while others could open it would read the new bytes.
      await removeFound(path, temporary).finally(() => found !== 'foreign' && found.close())
    }
  } catch (error) {
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_CHECKPOINT') return undefined
    throw error
  }
  throw inTheWay(path, temporary)
}

/** Creates and locks a temporary file. Returns `undefined` if another process created it first. */
async function makeNamed(temporary: string): Promise<FileHandle | undefined> {
  try {
    return await openLocked(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, TEMPORARY_MODE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    // It was created, but locks are not available here.
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_CHECKPOINT') await unlink(temporary)
    throw error
  }
}

async function removeFound(path: string, temporary: string): Promise<void> {
  await unlink(temporary).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw inTheWay(path, temporary, error)
  })
}

/**
 * Opens and locks a file with a temporary name. Returns `foreign` for a file that is a link or cannot be opened for
 * writing.
 */
async function openFound(temporary: string): Promise<FileHandle | 'foreign' | undefined> {
  try {
    return await openLocked(temporary, O_RDWR | O_NOFOLLOW, TEMPORARY_MODE)
  } catch (error) {
    if (CseError.isInstance(error)) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EMFILE' || code === 'ENFILE') throw error
    return code === 'ENOENT' ? undefined : 'foreign'
  }
}

/** Returns whether a file was created here as a temporary one: a new file would have the same owner and mode. */
async function wasMadeHere(file: FileHandle, directory: string): Promise<boolean> {
  try {
    const found = await file.stat()
    // Another user could link to this user's own file and have it overwritten.
    if (!found.isFile() || found.nlink > 1) return false
    const { uid, mode } = await newFile(directory, TEMPORARY_MODE)
    return found.uid === uid && (found.mode & 0o777) === mode
  } catch (error) {
    await file.close()
    throw error
  }
}

function inTheWay(path: string, temporary: string, cause?: NodeJS.ErrnoException): CseError {
  const code = cause?.code === undefined ? '' : ` (${cause.code})`
  return new CseError(
    'ERR_CSE_FILE',
    `${path} could not be written: its temporary file ${temporary} already exists and cannot be removed${code}. Remove it, write to another directory, or download without a checkpoint.`,
    { cause },
  )
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
 * Returns the owner and permission bits of a new file in a directory, by creating one. Reading the process's umask
 * would change it for a moment, for other threads too. Also, a directory can have its own defaults (an ACL), and a file
 * system its own owners and modes.
 */
async function newFile(
  directory: string,
  mode: number,
): Promise<{ readonly uid: number; readonly mode: number }> {
  const path = join(directory, temporaryName(randomUUID()))
  const file = await open(path, 'wx', mode)
  try {
    const made = await file.stat()
    return { uid: made.uid, mode: made.mode & 0o777 }
  } finally {
    await file.close()
    await unlink(path)
  }
}

/** The number of bytes that are read from a file at a time. */
const READ_BYTES = 1024 * 1024

/**
 * Reads a range of a file, one chunk ahead. Stops at the end of the file, so a range may be endless. A chunk is valid
 * until the next one is requested: two buffers are filled in turn, because new ones would create as much garbage as the
 * file is long.
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
  // It may fail while the previous chunk is in use. The rejection is handled here, and thrown when it is awaited.
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
    // The file must not be closed during a pending read.
    await next?.catch(() => {})
  }
}
