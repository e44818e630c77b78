import { createReadStream } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, replaceFile } from '@oss-cse/bucket/node'
import { type CallOptions, CseError } from '@oss-cse/crypto-core'
import { formatIntents, intentRecord } from '../placement/intent-lines.ts'
import type { IntentEntry, IntentRecord, IntentStore } from '../placement/intent-store.ts'
import {
  checkedResultName,
  INTENTS_FILE,
  intentsDirectory,
  intentsFile,
  PART_FILE,
  partFile,
} from './report-names.ts'
import type { ReportStore } from './report-store.ts'
import { endedLines, joinedText, textLines } from './text-lines.ts'

const FILE_MODE = 0o600

/** Options of a file report store. */
export interface FileReportStoreOptions {
  /** The directory of the run. It is created for this user only, with its missing parents. */
  readonly directory: string
}

/**
 * Keeps the report of a run in a directory: its parts in `parts/`, its intents in `intents/`, and its results next to these. Only this user can read the
 * files. A file gets its name when it is complete and on disk.
 *
 * Its methods reject with `ERR_CSE_FILE` when a file cannot be read or written, and with `ERR_CSE_INVALID_ARGUMENT` when the
 * directory cannot be created.
 *
 * @example
 * ```ts
 * const store = new FileReportStore({ directory: '/var/lib/my-runs/2026-11' })
 * await taken.complete(await writePart(store, taken.shard, rows))
 * ```
 */
export class FileReportStore implements ReportStore, IntentStore {
  readonly #directory: string
  readonly #parts: string

  constructor({ directory }: FileReportStoreOptions) {
    this.#directory = directory
    this.#parts = join(directory, 'parts')
  }

  async writePart(partName: string, lines: AsyncIterable<string>, options?: CallOptions): Promise<void> {
    await this.#write(this.#parts, partFile(partName), endedLines(lines), options)
  }

  async *partNames({ signal }: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    signal?.throwIfAborted()
    const names = await namesIn(this.#parts)
    yield* names.flatMap((name) => PART_FILE.exec(name)?.[1] ?? []).sort()
  }

  readPart(partName: string, options?: CallOptions): AsyncGenerator<string, void, undefined> {
    return this.#lines(join(this.#parts, partFile(partName)), options)
  }

  async addIntents(
    shardName: string,
    entries: readonly IntentEntry[],
    options?: CallOptions,
  ): Promise<string> {
    const id = crypto.randomUUID()
    const directory = join(this.#directory, intentsDirectory(shardName))
    await this.#write(directory, intentsFile(id), endedLines(formatIntents(entries)), options)
    return id
  }

  async readIntents(shardName: string, { signal }: CallOptions = {}): Promise<readonly IntentRecord[]> {
    signal?.throwIfAborted()
    const directory = join(this.#directory, intentsDirectory(shardName))
    const ids = (await namesIn(directory)).flatMap((name) => INTENTS_FILE.exec(name)?.[1] ?? [])
    const records = ids.map((id) =>
      intentRecord(id, this.#lines(join(directory, intentsFile(id)), { signal })),
    )
    return (await Promise.all(records)).flatMap((record) => record ?? [])
  }

  async removeIntents(
    shardName: string,
    ids: readonly string[],
    { signal }: CallOptions = {},
  ): Promise<void> {
    const directory = join(this.#directory, intentsDirectory(shardName))
    for (const id of ids) {
      signal?.throwIfAborted()
      const path = join(directory, intentsFile(id))
      await rm(path, { force: true }).catch((cause: NodeJS.ErrnoException) => {
        throw new CseError('ERR_CSE_FILE', `${path} cannot be removed (${cause.code}).`, { cause })
      })
    }
    // It stays if another worker has added a record.
    await rmdir(directory).catch(() => {})
  }

  async *#lines(path: string, { signal }: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    try {
      yield* textLines(createReadStream(path, { signal }))
    } catch (error) {
      signal?.throwIfAborted()
      throw unreadable(path, error as NodeJS.ErrnoException)
    }
  }

  async writeResult(name: string, chunks: AsyncIterable<string>, options?: CallOptions): Promise<void> {
    await this.#write(this.#directory, checkedResultName(name), chunks, options)
  }

  async #write(
    directory: string,
    name: string,
    texts: AsyncIterable<string>,
    { signal }: CallOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted()
    await makeDirectory(directory).catch((cause: NodeJS.ErrnoException) => {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `The directory ${directory} cannot be created (${cause.code}).`,
        { cause },
      )
    })
    const encoder = new TextEncoder()
    await replaceFile(
      join(directory, name),
      async (append) => {
        for await (const text of joinedText(texts)) {
          signal?.throwIfAborted()
          await append(encoder.encode(text))
        }
        signal?.throwIfAborted()
      },
      { mode: FILE_MODE },
    )
  }
}

/** The names in a directory: none if it does not exist yet. */
async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw unreadable(directory, cause)
  })
}

function unreadable(path: string, cause: NodeJS.ErrnoException): CseError {
  const code = cause.code === 'ENOENT' ? 'ERR_CSE_NOT_FOUND' : 'ERR_CSE_FILE'
  return new CseError(code, `${path} cannot be read (${cause.code}).`, { cause })
}
