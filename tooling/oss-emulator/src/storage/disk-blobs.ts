import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, unlinkSync } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore, BlobWriter, Extent } from './blob-store.ts'

/** While the disk is busy, chunks are collected into writes of at least this size. */
const WRITE_BYTES = 512 * 1024
/** The sender must wait while more bytes than this are not yet written. */
const MAX_PENDING_BYTES = 4 * 1024 * 1024
const READ_BYTES = 1024 * 1024

/** Blobs as files of one directory. Memory use does not depend on their size. */
export class DiskBlobs implements BlobStore {
  readonly #directory: string
  readonly #background = new Set<Promise<void>>()

  constructor(directory: string) {
    this.#directory = directory
    mkdirSync(directory, { recursive: true })
  }

  /** Removes the blobs that no record refers to: leftovers of uploads that a crash interrupted. */
  removeAllBut(known: ReadonlySet<string>): void {
    for (const name of readdirSync(this.#directory)) {
      if (!known.has(name)) unlinkSync(join(this.#directory, name))
    }
  }

  async create(): Promise<BlobWriter> {
    const id = randomUUID()
    const path = join(this.#directory, id)
    return new DiskBlobWriter(id, path, await open(path, 'wx'))
  }

  async *read(extent: Extent): AsyncGenerator<Uint8Array> {
    const file = await open(join(this.#directory, extent.blob), 'r')
    let next: Promise<{ bytesRead: number; buffer: Uint8Array }> | undefined
    try {
      const size = Math.min(READ_BYTES, extent.sizeBytes)
      // Two buffers take turns: the disk fills one while the consumer uses the other.
      const buffers = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)] as const
      const end = extent.start + extent.sizeBytes
      let position = extent.start
      let turn = 0
      const readNext = (from: number): typeof next =>
        from < end ? file.read(buffers[turn++ % 2] as Buffer, 0, Math.min(size, end - from), from) : undefined
      next = readNext(position)
      while (next !== undefined) {
        const { bytesRead, buffer } = await next
        if (bytesRead === 0) throw new Error(`blob ${extent.blob} is shorter than its record says`)
        position += bytesRead
        next = readNext(position)
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await next?.catch(() => undefined)
      await file.close()
    }
  }

  remove(blob: string): void {
    const removal = unlink(join(this.#directory, blob)).catch(() => undefined)
    this.#background.add(removal)
    void removal.then(() => this.#background.delete(removal))
  }

  async close(): Promise<void> {
    await Promise.all(this.#background)
  }
}

class DiskBlobWriter implements BlobWriter {
  readonly #id: string
  readonly #path: string
  readonly #file: FileHandle
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #writing: Promise<void> | undefined
  #failure: unknown

  constructor(id: string, path: string, file: FileHandle) {
    this.#id = id
    this.#path = path
    this.#file = file
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#queue.push(chunk)
    this.#queuedBytes += chunk.length
    if (this.#writing === undefined && this.#queuedBytes >= WRITE_BYTES) this.#flush()
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return this.#queuedBytes > MAX_PENDING_BYTES ? this.#drained() : undefined
  }

  async finish(): Promise<string> {
    try {
      await this.#drained()
      this.#flush()
      await this.#drained()
      await this.#file.close()
      return this.#id
    } catch (error) {
      await this.abort()
      throw error
    }
  }

  async abort(): Promise<void> {
    this.#queue = []
    this.#queuedBytes = 0
    await this.#writing
    await this.#file.close().catch(() => undefined)
    await unlink(this.#path).catch(() => undefined)
  }

  async #drained(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
    if (this.#failure !== undefined) throw this.#failure
  }

  #flush(): void {
    if (this.#queuedBytes === 0) return
    const chunks = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    this.#writing = writeAll(this.#file, chunks)
      .catch((error: unknown) => {
        this.#failure = error
      })
      .then(() => {
        this.#writing = undefined
        if (this.#failure === undefined && this.#queuedBytes >= WRITE_BYTES) this.#flush()
      })
  }
}

/** The maximum number of chunks of one write. A body may arrive byte by byte. */
const CHUNKS_A_WRITE = 1024

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let next = 0
  let written = 0
  while (next < chunks.length) {
    const [first = new Uint8Array(), ...others] = chunks.slice(next, next + CHUNKS_A_WRITE)
    written += (await file.writev([first.subarray(written), ...others])).bytesWritten
    for (let size = first.length; size <= written; size = chunks[next]?.length ?? Number.POSITIVE_INFINITY) {
      written -= size
      next += 1
    }
  }
}
