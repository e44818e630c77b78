import type { ContentKey, PartRange, PutObjectResponse, WorkerSide } from '@oss-cse/crypto-core'
import { equalBytes, SegmentPlan } from '@oss-cse/crypto-core/internal'
import { log } from '../policy/retry.ts'
import type { RequestableRange } from '../requests/requestable-range.ts'
import type { ByteSource } from '../source/byte-source.ts'
import type { FileRange } from '../source/open-file.ts'
import { type EncryptedPart, type SendOptions, sourceChanged } from './encrypted-part.ts'
import type {
  FailedRequest,
  FileCipherQuestions,
  FileCipherResponse,
  FilePart,
  PreparedRequest,
} from './file-cipher-messages.node.ts'
import type { FileCipherThread } from './file-cipher-thread.node.ts'
import { type BorrowedThread, borrowThread, inThread } from './file-cipher-threads.node.ts'
import { partFailure, systemError } from './file-failures.node.ts'
import type { SendFileOptions } from './file-runs.ts'
import { againWhenThreadLost, isThreadLost, threadLost } from './lost-thread.ts'
import { namedOriginal, type PortableError, portable, restored } from './portable-error.node.ts'
import type { WritableFile, WrittenListener } from './run-target.ts'
import { type SealedSegments, sealedRunOf } from './sealed-segments.ts'

/** Transfers whose bytes a thread moves between a file and the service. None of them crosses threads. */

/** What the transfers of one object need. */
export interface TransferContext {
  /** Returns the key, each time it is shared with a thread. */
  readonly contentKey: () => ContentKey
  /** The most threads to use. */
  readonly most: number
  /** The context of a sealed object, see `encodeContext`. Absent: its format is AES-CTR. */
  readonly sealedContext: Uint8Array | undefined
}

/** What a job says of the part that it encrypts. */
export function filePart(
  range: Omit<PartRange, 'partNumber'>,
  { fd, offsetBytes: positionBytes }: FileRange,
  { sealedContext }: TransferContext,
): FilePart {
  const { offsetBytes, sizeBytes, storedBytes } = range
  const sealed = sealedContext && { ...sealedRunOf(range), context: sealedContext }
  return { fd, positionBytes, offsetBytes, sizeBytes, storedBytes, sealed }
}

/**
 * Requests a range and decrypts it into a file, in a thread. If the thread is lost, another one starts the range again.
 *
 * @returns the CRC-64 of the ciphertext; `undefined` if there is no thread, or if it cannot send the requests
 * @throws CseError `ERR_CSE_THREAD` when the second thread is lost too; `ERR_CSE_FILE`; what `rangeBytes` throws
 */
export async function fetchInto(
  source: RequestableRange,
  file: WritableFile,
  onWritten: WrittenListener,
  context: TransferContext,
): Promise<bigint | undefined> {
  const response = await fetched(source, file, onWritten, context)
  if (response === undefined) return undefined
  if (response.crc64 === undefined) throw threadLost()
  return response.crc64
}

/**
 * The same for segments of a sealed object.
 *
 * @returns the digest of the segments
 * @throws CseError as `fetchInto`; `ERR_CSE_AUTHENTICATION_FAILED`
 */
export async function fetchSealed(
  source: RequestableRange,
  sealed: SealedSegments,
  file: WritableFile,
  onWritten: WrittenListener,
  context: TransferContext,
): Promise<Uint8Array | undefined> {
  const response = await fetched(source, file, onWritten, context, sealed)
  if (response === undefined) return undefined
  if (response.digest === undefined) throw threadLost()
  return response.digest
}

async function fetched(
  { object, range, headers, ossHeaders, retry, logger, signal, prepare }: RequestableRange,
  file: WritableFile,
  onWritten: WrittenListener,
  { contentKey, most }: TransferContext,
  sealed?: SealedSegments,
): Promise<FileCipherResponse | undefined> {
  const fetch = async (thread: FileCipherThread): Promise<FileCipherResponse | undefined> => {
    const requests = new PreparedRequests()
    const answers: Partial<FileCipherQuestions> = {
      prepare: (headers) => requests.prepare(prepare(headers)),
      judge: (failed) => requests.judge(failed),
      retried: (event) => log(logger, event),
      moved: onWritten,
    }
    const { fd } = file
    const job = { type: 'fetch', fd, object, range, headers, ossHeaders, retry, sealed } as const
    const response = await thread.runWithKey(contentKey(), job, { answers, signal })
    signal?.throwIfAborted()
    const { declined, failure, error } = response
    if (declined) return undefined
    if (failure !== undefined) throw file.failure(systemError(failure))
    if (error !== undefined) throw requests.restored(error)
    return response
  }
  return againWhenThreadLost(() => inThread(most, fetch))
}

/**
 * Encrypts a whole object from its file and sends it, in a thread.
 *
 * @returns `undefined` if there is no thread, or if it cannot send the request
 * @throws CseError as `ObjectCipher.send`
 */
export async function sendFile(
  { watch, sizeBytes = 0 }: ByteSource,
  file: FileRange,
  side: WorkerSide,
  { signal, onSentBytes, onEnd }: SendFileOptions,
  context: TransferContext,
): Promise<PutObjectResponse | undefined> {
  const { contentKey, most, sealedContext } = context
  const { storedBytes } =
    sealedContext === undefined ? { storedBytes: sizeBytes } : new SegmentPlan(sizeBytes)
  const whole = { offsetBytes: 0, sizeBytes, storedOffset: 0, storedBytes, last: true }
  return inThread(most, async (thread) => {
    const checkSource = await watch?.()
    const requests = new PreparedRequests()
    const answers: Partial<FileCipherQuestions> = {
      judge: (failed) => requests.judge(failed),
      moved: onSentBytes,
      async sourceRead(crc64) {
        await checkSource?.()
        onEnd(crc64)
      },
    }
    const prepared = requests.add(side)
    const job = { type: 'put', ...filePart(whole, file, context), prepared } as const
    const sent = await thread.runWithKey(contentKey(), job, { answers, signal })
    return sentResponse(sent, side, requests, signal)
  })
}

/** The response to what a thread sent, or the failure. `undefined`: the thread could not send it. */
async function sentResponse(
  { response, declined, error }: FileCipherResponse,
  { stored }: WorkerSide,
  requests: PreparedRequests,
  signal: AbortSignal | undefined,
): Promise<PutObjectResponse | undefined> {
  signal?.throwIfAborted()
  if (declined) return undefined
  if (error !== undefined) throw requests.restored(error)
  if (response === undefined) throw threadLost()
  await stored?.(response)
  return response
}

/**
 * Encrypts a part of a file in a thread, which keeps the ciphertext and can send it. If the thread is lost, another one
 * encrypts the part again, and must get the same bytes.
 *
 * @returns `undefined` if there is no thread
 * @throws CseError `ERR_CSE_SOURCE` when the file cannot be read or ends early; `ERR_CSE_THREAD` when the second thread
 * is lost too
 */
export async function holdPart(
  range: PartRange,
  file: FileRange,
  context: TransferContext,
): Promise<EncryptedPart | undefined> {
  const ciphertext = await againWhenThreadLost(() => hold(range, file, context))
  return ciphertext && new HeldPart(range, file, context, ciphertext)
}

/** Ciphertext in a thread. */
interface HeldCiphertext {
  readonly borrowed: BorrowedThread
  readonly held: number
  readonly digest: Uint8Array
  readonly crc64: bigint
}

let lastHeld = 0

async function hold(
  range: PartRange,
  file: FileRange,
  context: TransferContext,
): Promise<HeldCiphertext | undefined> {
  const { contentKey, most } = context
  const borrowed = await borrowThread(most)
  if (borrowed === undefined) return undefined
  lastHeld += 1
  const held = lastHeld
  try {
    const job = { type: 'hold', held, ...filePart(range, file, context) } as const
    const response = await borrowed.thread.runWithKey(contentKey(), job)
    const { digest, crc64 } = response
    if (digest === undefined || crc64 === undefined) throw partFailure(range, response)
    return { borrowed, held, digest, crc64 }
  } catch (error) {
    borrowed.giveBack()
    throw error
  }
}

class HeldPart implements EncryptedPart {
  readonly sizeBytes: number
  readonly digest: Uint8Array
  readonly crc64: bigint
  readonly #range: PartRange
  readonly #file: FileRange
  readonly #context: TransferContext
  #ciphertext: HeldCiphertext
  /** The ciphertext, once it is here. */
  #taken: Promise<Uint8Array> | undefined

  constructor(range: PartRange, file: FileRange, context: TransferContext, ciphertext: HeldCiphertext) {
    this.sizeBytes = range.storedBytes
    this.digest = ciphertext.digest
    this.crc64 = ciphertext.crc64
    this.#range = range
    this.#file = file
    this.#context = context
    this.#ciphertext = ciphertext
  }

  async *open(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#taken ??= this.#whereHeld(async (thread, held) => {
      const { buffer } = await thread.run({ type: 'take', held })
      if (buffer === undefined) throw threadLost()
      return new Uint8Array(buffer, 0, this.sizeBytes)
    })
    yield await this.#taken
  }

  async send(side: WorkerSide, { signal, onSentBytes }: SendOptions): Promise<PutObjectResponse | undefined> {
    const requests = new PreparedRequests()
    const prepared = requests.add(side)
    const answers: Partial<FileCipherQuestions> = {
      judge: (failed) => requests.judge(failed),
      moved: onSentBytes,
    }
    const sent = await this.#whereHeld((thread, held) =>
      thread.run({ type: 'send', held, prepared }, { answers, signal }),
    )
    return await sentResponse(sent, side, requests, signal)
  }

  release(reusable: boolean): void {
    const { borrowed, held } = this.#ciphertext
    // A lost thread has nothing to release.
    borrowed.thread.run({ type: 'release', held, reusable }).catch(() => {})
    borrowed.giveBack()
  }

  /** Runs work in the thread that has the ciphertext. If that is lost, encrypts the part again, and runs it once more. */
  async #whereHeld<Result>(
    work: (thread: FileCipherThread, held: number) => Promise<Result>,
  ): Promise<Result> {
    const { borrowed, held } = this.#ciphertext
    try {
      return await work(borrowed.thread, held)
    } catch (error) {
      if (!isThreadLost(error)) throw error
      const again = await hold(this.#range, this.#file, this.#context)
      if (again === undefined) throw error
      borrowed.giveBack()
      this.#ciphertext = again
      // Bytes of the part may have been sent.
      if (!equalBytes(again.digest, this.digest)) throw sourceChanged(this.#range.partNumber)
      return work(again.borrowed.thread, again.held)
    }
  }
}

/** The requests that were prepared for one job, and their errors. */
class PreparedRequests {
  readonly #sides: WorkerSide[] = []
  readonly #errors = new Map<number, unknown>()

  /** Returns a request in the form that a thread gets. */
  add(side: WorkerSide): PreparedRequest {
    const { module, data, failed } = side
    this.#sides.push(side)
    return { module, data, id: failed && this.#sides.length - 1 }
  }

  /** See `FileCipherQuestions`. */
  async prepare(side: Promise<WorkerSide | undefined> | undefined): Promise<PreparedRequest | undefined> {
    try {
      const prepared = await side
      return prepared && this.add(prepared)
    } catch (error) {
      throw this.#kept(error)
    }
  }

  /** See `FileCipherQuestions`. */
  async judge({ id, error }: FailedRequest): Promise<PortableError> {
    return portable(this.#kept(this.#sides[id]?.failed?.(restored(error))))
  }

  /** Returns an error of the thread: the transport's own one, if it is a copy of that. */
  restored(error: PortableError): unknown {
    return this.#errors.get(error.original ?? 0) ?? restored(error)
  }

  #kept(error: unknown): unknown {
    const name = namedOriginal(error)
    if (name !== undefined) this.#errors.set(name, error)
    return error
  }
}
