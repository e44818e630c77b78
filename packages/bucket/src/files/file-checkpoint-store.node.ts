import { createHmac, timingSafeEqual } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import type { Checkpoint, CheckpointStore } from '../resume/checkpoint-store.ts'
import { checkpointFailure } from './checkpoint-failure.node.ts'
import { makeCheckpointKey, readCheckpointKey } from './checkpoint-key.node.ts'
import { dataDirectory } from './data-directory.node.ts'
import { makeDirectory } from './make-directory.node.ts'
import { openLocked } from './open-locked.node.ts'
import { removeTemporaryFile, TemporaryFile } from './temporary-file.node.ts'
import { openTrustedDirectory, openTrustedFile, trustedFile } from './trusted-file.node.ts'

/** Options of a checkpoint store in files. */
export interface FileCheckpointStoreOptions {
  /**
   * A directory that only this user can write to. It is created if it is missing. Default: in the user's data
   * directory.
   */
  readonly directory?: string | undefined
}

/** The content of a record's file. The MAC shows whether this store wrote the record and it is undamaged. */
interface StoredRecord {
  readonly format: typeof FORMAT
  readonly mac: string
  readonly record: unknown
}

const FORMAT = 'oss-cse checkpoint 2'
const NAME = /^[a-z0-9-]{1,100}$/

/**
 * Keeps checkpoints in files. Each is written as a whole and flushed to disk before a transfer continues. A lock of the
 * operating system protects an open record. It ends with its process, even after a crash.
 *
 * A checkpoint selects the key that an upload encrypts under. So the directory, its records and their locks must belong
 * to this user, and nobody else may be able to write to them. Each use checks that on the open files, and throws
 * `ERR_CSE_CHECKPOINT` otherwise. Each record also has a MAC. Its key is created once and stored beside the records,
 * mode 0600. A record that was copied from elsewhere is treated as damaged. Windows has no such owners and modes: keep
 * the directory in your profile there.
 *
 * @example
 * ```ts
 * const checkpointStore = new FileCheckpointStore()
 * await uploadFile(bucket, 'backups/db.tar', './db.tar', { checkpointStore })
 * ```
 */
export class FileCheckpointStore implements CheckpointStore {
  /** The directory of the records. */
  readonly directory: string

  /** @throws CseError `ERR_CSE_CHECKPOINT` when no directory is given and the user has no home directory */
  constructor(options: FileCheckpointStoreOptions = {}) {
    this.directory = options.directory ?? defaultDirectory()
  }

  async open(name: string): Promise<Checkpoint> {
    if (!NAME.test(name)) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `${JSON.stringify(name)} is not a valid checkpoint name.`,
      )
    }
    const path = join(this.directory, `${name}.json`)
    const record = await this.#using(() => takeRecord({ directory: this.directory, name, path }))
    let closed = false
    return {
      load: () => this.#using(() => loadRecord(record)),
      save: (value) => this.#using(() => saveRecord(record, value)),
      remove: () => this.#using(() => removeRecord(record)),
      async close() {
        if (closed) return
        closed = true
        await letGo(record)
      },
    }
  }

  async has(name: string): Promise<boolean> {
    return lstat(join(this.directory, `${name}.json`)).then(
      () => true,
      // Whatever else is wrong with the directory is for `open` to say.
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    )
  }

  async #using<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (cause) {
      throw CseError.isInstance(cause) ? cause : checkpointFailure(this.directory, cause)
    }
  }
}

function defaultDirectory(): string {
  const data = dataDirectory()
  if (data !== undefined) return join(data, 'checkpoints')
  throw new CseError(
    'ERR_CSE_CHECKPOINT',
    'This user has no home directory to keep checkpoints in: set HOME, or pass a directory.',
  )
}

/** The file of a record. */
interface RecordFile {
  readonly directory: string
  readonly name: string
  readonly path: string
}

/** A locked record and the directory in which it was locked. */
interface TakenRecord extends RecordFile {
  readonly lock: FileHandle
  /** Distinguishes that directory from one that replaces it. */
  readonly place: string | undefined
}

/** Locks a record, and checks everything that may belong to another user. */
async function takeRecord(record: RecordFile): Promise<TakenRecord> {
  const { directory, path } = record
  await makeDirectory(directory)
  const place = await placeOf(directory)
  const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = constants
  const lock = await openLocked(`${path}.lock`, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
  const taken = { ...record, lock, place }
  try {
    await trustedFile(`${path}.lock`, lock)
    await openTrustedFile(path).then((file) => file?.close())
    await checkPlace(taken)
    return taken
  } catch (error) {
    await letGo(taken)
    throw error
  }
}

async function letGo({ path, lock }: TakenRecord): Promise<void> {
  // Removed before it is closed: a process that opened it earlier then notices that the name has another file.
  await unlink(`${path}.lock`).catch(() => {})
  await lock.close().catch(() => {})
}

/**
 * Opens a directory that only this user can write to, and returns its identity. `undefined` on Windows, which cannot
 * open a directory.
 *
 * @param flush - true: flush renames in the directory to disk
 */
async function placeOf(path: string, flush = false): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined
  const directory = await openTrustedDirectory(path)
  try {
    const { dev, ino } = await directory.stat({ bigint: true })
    if (flush) await directory.sync()
    return `${dev}:${ino}`
  } finally {
    await directory.close()
  }
}

/**
 * @param flush - true: flush renames in the directory to disk
 * @throws CseError `ERR_CSE_CHECKPOINT` when another directory is now at the path of the record's directory
 */
async function checkPlace({ directory, place }: TakenRecord, flush = false): Promise<void> {
  if ((await placeOf(directory, flush)) === place) return
  throw new CseError(
    'ERR_CSE_CHECKPOINT',
    `${directory} was replaced by another directory during a transfer: nothing in it is trusted.`,
  )
}

async function loadRecord(record: TakenRecord): Promise<unknown> {
  const { directory, name, path } = record
  await checkPlace(record)
  const file = await openTrustedFile(path)
  if (file === undefined) return undefined
  let text: string
  try {
    text = await file.readFile('utf8')
  } finally {
    await file.close()
  }
  const key = await readCheckpointKey(directory)
  const stored = parse(text)
  await checkPlace(record)
  if (key === undefined || stored === undefined || !sameMac(stored.mac, macOf(key, name, stored.record))) {
    throw new CseError(
      'ERR_CSE_CHECKPOINT',
      `The checkpoint ${path} is damaged, of another version, or was not written by you in this directory.`,
    )
  }
  return stored.record
}

function parse(text: string): StoredRecord | undefined {
  try {
    const { format, mac, record } = JSON.parse(text)
    return format === FORMAT && typeof mac === 'string' ? { format, mac, record } : undefined
  } catch {
    return undefined
  }
}

async function saveRecord(taken: TakenRecord, record: unknown): Promise<void> {
  const { directory, name, path } = taken
  await checkPlace(taken)
  const key = await makeCheckpointKey(directory)
  const stored: StoredRecord = { format: FORMAT, mac: macOf(key, name, record), record }
  const text = new TextEncoder().encode(`${JSON.stringify(stored)}\n`)
  try {
    await replaceWhole(path, name, text)
  } catch (error) {
    // Reported as a checkpoint failure: the caller did not name this file.
    throw CseError.isInstance(error) ? (error.cause ?? error) : error
  }
  // The rename is durable only once the directory is on disk.
  await checkPlace(taken, true)
}

async function replaceWhole(path: string, name: string, text: Uint8Array): Promise<void> {
  const file = await TemporaryFile.open(path, { name, mode: 0o600 })
  try {
    await file.resize(0)
    await file.write(text, 0)
    await file.commit()
  } catch (error) {
    await file.discard()
    throw error
  }
}

/** Removes a record, and the temporary file of a save that was killed. */
async function removeRecord(record: TakenRecord): Promise<void> {
  const { name, path } = record
  await checkPlace(record)
  await removeTemporaryFile(path, name)
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** Includes the name, so that a record cannot pass as that of another transfer. */
function macOf(key: Uint8Array, name: string, record: unknown): string {
  return createHmac('sha256', key)
    .update(JSON.stringify([FORMAT, name, record]))
    .digest('hex')
}

function sameMac(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
