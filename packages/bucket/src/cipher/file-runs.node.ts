import type { ByteChunks, ObjectBody, PartRange } from '@oss-cse/crypto-core'
import type { FileRange, OpenFile } from '../source/open-file.ts'
import type { EncryptedPart } from './encrypted-part.ts'
import type { FileCipherThread } from './file-cipher-thread.node.ts'
import { defaultFileThreads, inThread } from './file-cipher-threads.node.ts'
import { partFailure, systemError } from './file-failures.node.ts'
import type { BindFileRuns } from './file-runs.ts'
import {
  fetchInto,
  fetchSealed,
  filePart,
  holdPart,
  sendFile,
  type TransferContext,
} from './file-transfers.node.ts'
import { againWhenThreadLost, threadLost } from './lost-thread.ts'
import type { WritableFile, WrittenListener } from './run-target.ts'

/** A file of at least this many bytes is worth starting a thread for. */
const THREAD_BYTES = 8 * 1024 * 1024
/** The size in bytes of a chunk of ciphertext for the thread. */
const CHUNK_BYTES = 256 * 1024
/** The most chunks of one run that the thread holds at a time. */
const DEPTH = 4

/** Runs over large files, in the process's threads. */
export const bindFileRuns: BindFileRuns = (contentKey, most = defaultFileThreads(), sealedContext) => {
  const pool = new BufferPool()
  const context = { contentKey, most, pool, sealedContext }
  const isLarge = ({ sizeBytes }: OpenFile): boolean => most > 0 && sizeBytes >= THREAD_BYTES
  return {
    isLarge,
    async send(source, side, options) {
      return source.file && sendFile(source, source.file, side, options, context)
    },
    async encryptPart(range, { file }, { sends }) {
      if (file === undefined || !isLarge(file)) return undefined
      return sends ? holdPart(range, file, context) : encryptPart(range, file, context)
    },
    async openInto(source, target, sealed, onWritten) {
      const { file } = target
      if (file === undefined || !isLarge(file) || source.requestable === undefined) return undefined
      return fetchSealed(source.requestable, sealed, file, onWritten, context)
    },
    async decryptInto(source, target, { offsetBytes, onWritten }) {
      const { file } = target
      if (file === undefined || !isLarge(file)) return undefined
      const fetched = source.requestable && (await fetchInto(source.requestable, file, onWritten, context))
      return fetched ?? decryptInto(source, file, { ...context, offsetBytes, onWritten })
    },
  }
}

/** Buffers that are sent to the thread and back. New buffers for each chunk would keep the garbage collector busy. */
class BufferPool {
  readonly #free: ArrayBuffer[] = []

  /** Returns a buffer of at least that many bytes. Its content is undefined. */
  take(sizeBytes: number): ArrayBuffer {
    const buffer = this.#free.pop()
    return buffer !== undefined && buffer.byteLength >= sizeBytes ? buffer : new ArrayBuffer(sizeBytes)
  }

  give(buffer: ArrayBuffer): void {
    this.#free.push(buffer)
  }
}

/**
 * Encrypts a part of a file in the thread, into memory. If the thread is lost, encrypts it again in a new thread. The
 * ciphertext of the lost thread is lost with its buffer. Nothing of a part is sent before its digest is known here, so
 * two plaintexts are never sent under one keystream.
 *
 * @returns `undefined` if there is no thread
 * @throws CseError `ERR_CSE_SOURCE` when the file cannot be read or ends early; `ERR_CSE_THREAD` when the second thread
 * is lost too
 */
async function encryptPart(
  range: PartRange,
  file: FileRange,
  context: RunContext,
): Promise<EncryptedPart | undefined> {
  const { contentKey, most, pool } = context
  const { storedBytes: sizeBytes } = range
  const response = await againWhenThreadLost(() =>
    inThread(most, (thread) =>
      thread.encrypt(filePart(range, file, context), contentKey(), pool.take(sizeBytes)),
    ),
  )
  if (response === undefined) return undefined
  const { buffer, digest, crc64 } = response
  if (buffer === undefined || digest === undefined || crc64 === undefined) throw partFailure(range, response)
  const bytes = new Uint8Array(buffer, 0, sizeBytes)
  async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
    yield bytes
  }
  const release = (reusable: boolean): void => {
    if (reusable) pool.give(buffer)
  }
  return { sizeBytes, digest, crc64, open, release }
}

/** What the runs of one object need. */
interface RunContext extends TransferContext {
  readonly pool: BufferPool
}

/** What a decryption into a file needs. */
interface Decryption extends RunContext {
  readonly offsetBytes: number
  readonly onWritten: WrittenListener
}

/**
 * Decrypts a run into a file, in the thread. If the thread is lost, the run is read again from its start, and
 * overwrites what that thread wrote of it.
 *
 * @throws CseError `ERR_CSE_THREAD` when the second thread is lost too
 */
async function decryptInto(
  source: ObjectBody,
  file: WritableFile,
  decryption: Decryption,
): Promise<bigint | undefined> {
  return againWhenThreadLost(() =>
    inThread(decryption.most, (thread) => decryptOnce(thread, source.open(), file, decryption)),
  )
}

async function decryptOnce(
  thread: FileCipherThread,
  ciphertext: ByteChunks,
  file: WritableFile,
  { offsetBytes, onWritten, contentKey, pool }: Decryption,
): Promise<bigint> {
  const run = await thread.decrypt(file.fd, offsetBytes, contentKey())
  let failed: { readonly error: unknown } | undefined
  let writtenBytes = 0
  const pending = new Set<Promise<void>>()
  const write = async (buffer: ArrayBuffer, sizeBytes: number): Promise<void> => {
    try {
      const { buffer: back, failure } = await run.write(buffer, sizeBytes)
      if (back !== undefined) pool.give(back)
      if (failure !== undefined) throw file.failure(systemError(failure))
      writtenBytes += sizeBytes
      onWritten(writtenBytes)
    } catch (error) {
      failed ??= { error }
    }
  }
  try {
    for await (const { buffer, sizeBytes } of gathered(ciphertext, pool)) {
      const written = write(buffer, sizeBytes)
      pending.add(written)
      void written.finally(() => pending.delete(written))
      if (pending.size >= DEPTH) await Promise.race(pending)
      if (failed !== undefined) break
    }
  } catch (error) {
    failed ??= { error }
  }
  await Promise.all(pending)
  // Even after a failure. That failure is thrown then, not the loss of the thread that may follow from it.
  const ended = await run.end().catch((error: unknown) => {
    failed ??= { error }
  })
  if (failed !== undefined) throw (failed as { readonly error: unknown }).error
  if (ended?.crc64 === undefined) throw threadLost(ended?.failure && systemError(ended.failure))
  return ended.crc64
}

/** Gathers chunks in buffers that can be transferred. */
async function* gathered(
  chunks: ByteChunks,
  pool: BufferPool,
): AsyncGenerator<{ readonly buffer: ArrayBuffer; readonly sizeBytes: number }, void, undefined> {
  let buffer: ArrayBuffer | undefined
  let sizeBytes = 0
  for await (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; ) {
      buffer ??= pool.take(CHUNK_BYTES)
      const piece = chunk.subarray(offset, offset + CHUNK_BYTES - sizeBytes)
      new Uint8Array(buffer).set(piece, sizeBytes)
      sizeBytes += piece.length
      offset += piece.length
      if (sizeBytes < CHUNK_BYTES) continue
      yield { buffer, sizeBytes }
      buffer = undefined
      sizeBytes = 0
    }
    chunks.recycle?.(chunk)
  }
  if (buffer !== undefined) yield { buffer, sizeBytes }
}
