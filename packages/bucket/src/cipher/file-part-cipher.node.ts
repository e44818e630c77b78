import { type ContentKey, CseError, encodeBase64, type PartRange } from '@oss-cse/crypto-core'
import type { RunWriter } from '../read/object-reader.ts'
import type { EncryptedPart } from '../source/byte-source.ts'
import type { FileCipherAnswer } from './file-cipher-messages.node.ts'
import type { FileCipherThread } from './file-cipher-thread.node.ts'
import { againWhenThreadLost, threadLost } from './thread-lost.ts'

/** From this length in bytes on, a file is worth the start of a thread. */
export const THREAD_BYTES: number = 4 * 1024 * 1024
/** How much ciphertext goes to the thread at a time, in bytes. */
const CHUNK_BYTES = 256 * 1024
/** How many chunks of one run may be with the thread. */
const DEPTH = 4

/** Buffers that go to the thread and back, used again and again: new ones would keep the garbage collector busy. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = []

  /** A buffer of at least that many bytes; its content is anything. */
  take(sizeBytes: number): ArrayBuffer {
    const buffer = this.#free.pop()
    return buffer !== undefined && buffer.byteLength >= sizeBytes ? buffer : new ArrayBuffer(sizeBytes)
  }

  give(buffer: ArrayBuffer): void {
    this.#free.push(buffer)
  }
}

/** Gives the thread of the moment; `undefined` where there can be none. */
type Threads = () => Promise<FileCipherThread | undefined>

/**
 * Encrypts a part of a file in the thread, into memory; once more in another one when the thread is lost. What the lost one
 * had encrypted went with its buffer: nothing of a part leaves before its digest is known here, so that no two texts can
 * meet under one keystream.
 *
 * @returns `undefined` where there is no thread
 * @throws CseError `ERR_CSE_SOURCE` when the file cannot be read or ends early; `ERR_CSE_THREAD` when the second thread is
 * lost too
 */
export async function encryptFilePart(
  threads: Threads,
  fd: number,
  range: PartRange,
  contentKey: ContentKey,
  pool: BufferPool,
): Promise<EncryptedPart | undefined> {
  const { sizeBytes } = range
  const answer = await againWhenThreadLost(async () => {
    const thread = await threads()
    return thread?.encrypt(fd, range, contentKey, pool.take(sizeBytes))
  })
  if (answer === undefined) return undefined
  const { buffer, sha256, crc64, failure, endedAfter } = answer
  if (buffer === undefined || sha256 === undefined || crc64 === undefined) {
    const what =
      failure === undefined ? `ended after ${endedAfter} of its ${sizeBytes} bytes` : 'could not be read'
    const cause = failure && systemError(failure)
    throw new CseError('ERR_CSE_SOURCE', `Part ${range.partNumber} of the file ${what}.`, { cause })
  }
  const bytes = new Uint8Array(buffer, 0, sizeBytes)
  async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
    yield bytes
  }
  const release = (): void => pool.give(buffer)
  return { sizeBytes, sha256: encodeBase64(sha256), crc64, open, release }
}

/**
 * Decrypts a run into a file, in the thread.
 *
 * @param onFailure - the error of a write that failed with a system's code
 * @returns a writer that throws CseError `ERR_CSE_THREAD` when the thread is lost: the run is to be fetched and written
 * again, from its beginning
 */
export function decryptIntoFile(
  threads: Threads,
  fd: number,
  pool: BufferPool,
  onFailure: (cause: unknown) => CseError,
): RunWriter {
  return async (ciphertext, { contentKey, offsetBytes, onWritten }) => {
    const thread = await threads()
    if (thread === undefined) throw threadLost()
    const run = await thread.decrypt(fd, offsetBytes, contentKey)
    let failed: { readonly error: unknown } | undefined
    const pending = new Set<Promise<void>>()
    const write = async (buffer: ArrayBuffer, sizeBytes: number): Promise<void> => {
      try {
        const { buffer: back, failure } = await run.write(buffer, sizeBytes)
        if (back !== undefined) pool.give(back)
        if (failure !== undefined) throw onFailure(systemError(failure))
        onWritten(sizeBytes)
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
    // Also after a failure, which is thrown rather than that the thread is lost by now.
    const ended = await run.end().catch((error: unknown) => {
      failed ??= { error }
    })
    if (failed !== undefined) throw (failed as { readonly error: unknown }).error
    if (ended?.crc64 === undefined) throw threadLost(ended?.failure && systemError(ended.failure))
    return ended.crc64
  }
}

/** A failure as the thread told it. */
function systemError({ message, code }: NonNullable<FileCipherAnswer['failure']>): Error {
  return Object.assign(new Error(message), { code })
}

/** Gathers chunks in buffers that can be handed over. */
async function* gathered(
  chunks: AsyncIterable<Uint8Array>,
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
  }
  if (buffer !== undefined) yield { buffer, sizeBytes }
}
