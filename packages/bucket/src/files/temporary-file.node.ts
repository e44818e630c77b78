import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import { followedPath } from './followed-path.node.ts'
import { lockIfPossible, openLocked } from './open-locked.node.ts'
import { removeLeftovers } from './temporary-leftovers.node.ts'
import { temporaryName } from './temporary-name.node.ts'

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants
/** Whoever could open it now, whatever its mode is later, could read what is written then. */
const TEMPORARY_MODE = 0o600
const GROUP = 0o070
/** How often somebody may put a file in the way while it is being removed. */
const MAX_ROUNDS = 100

/** What a temporary file becomes, and what it is called until then. */
export interface TemporaryFileOptions {
  /** What tells it from other temporary files, so that a later run finds it; absent: a name that none has. */
  readonly name?: string | undefined
  /** True: the file of that name is opened where it is there, and was made here and by nobody else. */
  readonly keep?: boolean | undefined
  /**
   * The final permission bits. A file that is replaced then gives it none, and a link at the path is itself replaced.
   * Absent: those of the replaced file of this user, and its group; else what the directory gives a new file.
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
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the file cannot be made there, or could not be replaced;
   * `ERR_CSE_FILE` when something of somebody else is under the temporary name and cannot be removed;
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
      await this.#file.sync()
      await this.#setPermissions()
      try {
        // Before the lock goes with the file: who takes it then must not find these bytes under the old name.
        await rename(this.#temporary, this.#target)
      } catch (error) {
        // Under the temporary name it is this user's alone again, and can be resumed.
        await this.#chmod(TEMPORARY_MODE)
        throw error
      }
      await this.close()
    })
  }

  /** Gives the file its final mode and group, by its descriptor: what the name stands for may be exchanged. */
  async #setPermissions(): Promise<void> {
    if (this.#mode !== undefined) return this.#chmod(this.#mode)
    const replaced = await lstat(this.#target).catch(() => undefined)
    const { uid, gid } = await this.#file.stat()
    // Somebody else's would choose who can read this one.
    if (replaced === undefined || !replaced.isFile() || replaced.uid !== uid) {
      return this.#chmod((await newFile(dirname(this.#target), 0o666)).mode)
    }
    const groupKept =
      gid === replaced.gid ||
      (await this.#file.chown(-1, replaced.gid).then(
        () => true,
        () => false,
      ))
    // Without the group the bits would be another group's.
    await this.#chmod(groupKept ? replaced.mode : replaced.mode & ~GROUP)
  }

  /** Some file systems have no modes; what has them leaves a file that cannot be changed as it was made, this user's alone. */
  async #chmod(mode: number): Promise<void> {
    await this.#file.chmod(mode & 0o777).catch(() => {})
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
    const full = code === 'ENOSPC' || code === 'EDQUOT' ? ': no space is left' : ''
    return new CseError('ERR_CSE_FILE', `${this.#path} could not be written${full} (${code}).`, { cause })
  }
}

/**
 * The path of the file that a name stands for, links followed.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when something else than a regular file is there, a file that this user may
 * not replace, or a link that is not followed
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
      `${path} belongs to another user, in a directory where only its owner can replace it. Name another file.`,
    )
  }
  return target
}

/** Tells whether the system would refuse to replace a file, which shows only at the end: the rule of sticky directories. */
async function belongsToAnother(file: Stats, directory: string): Promise<boolean> {
  const user = process.geteuid?.()
  if (user === undefined || user === 0 || file.uid === user) return false
  const { mode, uid } = await stat(directory)
  return (mode & 0o1000) !== 0 && uid !== user
}

/**
 * Opens and locks a temporary file that a later run finds.
 *
 * @returns `undefined` where nothing can be locked, so that no later run could resume
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
      // Whoever has it open since others could open it would read what is written to it now.
      await removeFound(path, temporary).finally(() => found !== 'foreign' && found.close())
    }
  } catch (error) {
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_CHECKPOINT') return undefined
    throw error
  }
  throw inTheWay(path, temporary)
}

/** Makes and locks a temporary file; `undefined` when another process was faster. */
async function makeNamed(temporary: string): Promise<FileHandle | undefined> {
  try {
    return await openLocked(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, TEMPORARY_MODE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    // It was made, and cannot be locked here.
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_CHECKPOINT') await unlink(temporary)
    throw error
  }
}

async function removeFound(path: string, temporary: string): Promise<void> {
  await unlink(temporary).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw inTheWay(path, temporary, error)
  })
}

/** Opens and locks what is under a temporary name; `foreign` is what cannot be opened for writing, or is a link. */
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

/** Tells whether a file is one that was made here as a temporary one: a file made now would have the same owner and mode. */
async function wasMadeHere(file: FileHandle, directory: string): Promise<boolean> {
  try {
    const found = await file.stat()
    // A link that another user made of this user's own file would let that be overwritten.
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
    `${path} could not be written: something is at ${temporary}, where its bytes go first, and cannot be removed${code}. Remove it, write to another directory, or download without a checkpoint.`,
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
 * What a new file in a directory is like: its owner and permission bits. It is tried: to ask for the process's mask means to
 * change it for a moment, for other threads too; a directory can have defaults of its own (an ACL), and a file system its
 * own owners and modes.
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
