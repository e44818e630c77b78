import { createHash } from 'node:crypto'
import { open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import writeFileAtomic from 'write-file-atomic'
import { checkpointFailure } from './checkpoint-failure.node.ts'
import type { Checkpoint, CheckpointStore } from './checkpoint-store.ts'
import { dataDirectory } from './data-directory.node.ts'
import { makeDirectory } from './make-directory.node.ts'
import { openLocked } from './open-locked.node.ts'

/** Where checkpoints are kept. */
export interface FileCheckpointStoreOptions {
  /** A directory for this user alone; made when it is missing. Default: in the user's data directory. */
  readonly directory?: string | undefined
}

/** A record as it stands in its file: its own digest tells a whole one from a damaged one. */
interface StoredRecord {
  readonly format: typeof FORMAT
  readonly sha256: string
  readonly record: unknown
}

const FORMAT = 'oss-cse checkpoint 1'
const NAME = /^[a-z0-9-]{1,100}$/

/**
 * Checkpoints in files, readable by the user alone, each written as a whole and flushed to disk before a transfer goes
 * on. A record is taken by a lock of the operating system, which ends with its process, however that ends.
 *
 * @example
 * ```ts
 * const checkpoint = new FileCheckpointStore()
 * await uploadFile(bucket, 'backups/db.tar', './db.tar', { checkpoint })
 * ```
 */
export class FileCheckpointStore implements CheckpointStore {
  /** Where the records are. */
  readonly directory: string

  /** @throws CseError `ERR_CSE_CHECKPOINT` when no directory is given and the user has no home directory */
  constructor(options: FileCheckpointStoreOptions = {}) {
    this.directory = options.directory ?? defaultDirectory()
  }

  async open(name: string): Promise<Checkpoint> {
    if (!NAME.test(name)) {
      throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${JSON.stringify(name)} cannot name a checkpoint.`)
    }
    const { directory } = this
    const path = join(directory, `${name}.json`)
    const lock = await this.#using(async () => {
      await makeDirectory(directory)
      return openLocked(`${path}.lock`, 'a+', 0o600)
    })
    let closed = false
    const remove = (): Promise<void> => removeRecord(directory, name)
    return {
      load: () => this.#using(() => loadRecord(path)),
      save: (record) => this.#using(() => saveRecord(directory, path, record)),
      remove: () => this.#using(remove),
      async close() {
        if (closed) return
        closed = true
        // Removed while it is held: whoever opened it before finds that it is not the file of that name any more.
        await unlink(`${path}.lock`).catch(() => {})
        await lock.close().catch(() => {})
      },
    }
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
    'This user has no home directory to keep checkpoints in: set HOME, or give a directory.',
  )
}

async function loadRecord(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  let stored: Partial<StoredRecord> | undefined
  try {
    stored = JSON.parse(text)
  } catch {
    // Judged below.
  }
  if (stored?.format !== FORMAT || stored.sha256 !== digestOf(stored.record)) {
    throw new CseError('ERR_CSE_CHECKPOINT', `The checkpoint ${path} is damaged, or of another version.`)
  }
  return stored.record
}

async function saveRecord(directory: string, path: string, record: unknown): Promise<void> {
  const stored: StoredRecord = { format: FORMAT, sha256: digestOf(record), record }
  const text = `${JSON.stringify(stored)}\n`
  await writeFileAtomic(path, text, { mode: 0o600, fsync: true })
  // The library does not look how much of it a full disk took.
  if ((await stat(path)).size !== Buffer.byteLength(text)) throw new Error('the record was cut short')
  // The rename itself lasts only once the directory is on disk. Windows has no such thing.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes a record, and what writes that were killed half-way left of it. */
async function removeRecord(directory: string, name: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    if (!entry.startsWith(`${name}.json`) || entry.endsWith('.lock')) continue
    await unlink(join(directory, entry)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
}

function digestOf(record: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(record) ?? '')
    .digest('hex')
}
