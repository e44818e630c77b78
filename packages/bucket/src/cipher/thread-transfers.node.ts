import {
  type AesCtrKeystream,
  type ByteChunks,
  type ClosedRange,
  type ContentKey,
  type GetObjectResponse,
  type HeaderMap,
  type ObjectBody,
  type PutObjectResponse,
  type WorkerSideModule,
  wipe,
} from '@oss-cse/crypto-core'
import {
  cipherReused,
  createCrc64,
  freeBytes,
  type Segment,
  SegmentPlan,
  sealedPartDigest,
  startOpenRun,
} from '@oss-cse/crypto-core/internal'
import { ObjectRequests } from '../requests/object-requests.ts'
import { rangeBytes } from '../requests/range-bytes.ts'
import { readSegment } from '../requests/read-segment.ts'
import { sourceError } from '../source/body-errors.ts'
import { cipherPieces } from './cipher-pieces.node.ts'
import type {
  FileCipherJob,
  FileCipherResponse,
  FilePart,
  PreparedRequest,
} from './file-cipher-messages.node.ts'
import { EndedEarly, FilePass } from './file-pass.node.ts'
import type { JobChannel } from './job-channel.node.ts'
import { portable, restored } from './portable-error.node.ts'
import type { SealedSegments } from './sealed-segments.ts'
import { READ_BYTES, readAt, writeAt } from './thread-files.node.ts'

/** The thread's side of `file-transfers.node.ts`. */

/** The time between two reports of progress. */
const REPORT_MS = 50
/** The number of bytes that are given to a connection at a time. */
const SEND_BYTES = 512 * 1024

/** An error of the file system, not of the network. */
class FileFailure extends Error {}

/** Ends a job that the other thread must do itself. */
class Declined extends Error {}

/** What a job responds with. */
export type JobResult = Omit<FileCipherResponse, 'id'>

type FetchJob = Extract<FileCipherJob, { type: 'fetch' }>

/** See `FileCipherJob`. */
export async function fetchRange(
  job: FetchJob,
  keystream: AesCtrKeystream,
  channel: JobChannel,
): Promise<JobResult> {
  const { fd, range } = job
  const crc64 = createCrc64()
  const report = throttled((bytes) => channel.tell('moved', bytes))
  let written = 0
  try {
    const ciphertext = requested(job, channel)(range)
    for await (const chunk of ciphertext) {
      crc64.update(chunk)
      const positionBytes = range.start + written
      cipherPieces(keystream, chunk, (piece, offset) => writePiece(fd, piece, positionBytes + offset))
      written += chunk.length
      ciphertext.recycle?.(chunk)
      report(written)
    }
    channel.tell('moved', written)
    return { crc64: crc64.value() }
  } catch (error) {
    return failedResult(error)
  } finally {
    keystream.dispose()
  }
}

/** The same for segments of a sealed object. A byte is written only after its segment was verified. */
export async function fetchSegments(
  job: FetchJob,
  { context, sizeBytes, firstSegment, lastSegment }: SealedSegments,
  contentKey: ContentKey,
  channel: JobChannel,
): Promise<JobResult> {
  const { fd, range } = job
  const plan = new SegmentPlan(sizeBytes)
  const positionBytes = plan.segment(firstSegment).plaintextOffset
  const read = requested(job, channel)
  const report = throttled((bytes) => channel.tell('moved', bytes))
  let written = 0
  try {
    const readAgain = (segment: Segment): Promise<Uint8Array> => readSegment(segment, read)
    const run = startOpenRun({ contentKey, context, plan, firstSegment, lastSegment, tags: true, readAgain })
    wipe(contentKey.cek, contentKey.iv)
    for await (const plaintext of run.transform({ open: () => read(range) })) {
      const { length } = plaintext
      writePiece(fd, plaintext, positionBytes + written)
      freeBytes(plaintext)
      written += length
      report(written)
    }
    channel.tell('moved', written)
    return { digest: sealedPartDigest(run.tags()) }
  } catch (error) {
    return failedResult(error)
  } finally {
    wipe(contentKey.cek, contentKey.iv)
  }
}

/** Returns how ranges of the stored bytes are requested, all from one state of the object. */
function requested(
  { object, headers, ossHeaders, retry }: FetchJob,
  channel: JobChannel,
): (range: ClosedRange) => ByteChunks {
  const { signal } = channel
  const source = {
    ossHeaders,
    async request(headers: HeaderMap): Promise<GetObjectResponse> {
      const prepared = await channel.ask('prepare', headers)
      if (prepared === undefined) throw new Declined()
      const response = await sent(prepared, channel, ({ get }) => get(prepared.data, { signal }))
      return { ...response, body: judgedBody(response.body, prepared, channel) }
    },
  }
  const requests = new ObjectRequests(source, headers, {
    operation: 'get',
    key: object.key,
    retry,
    logger: (event) => event.type === 'retry' && channel.tell('retried', event),
    signal,
  })
  return (range) => rangeBytes({ object, range, requests, signal })
}

/** See `FileCipherJob`. */
export async function putFile(
  job: Extract<FileCipherJob, { type: 'put' }>,
  channel: JobChannel,
): Promise<JobResult> {
  const pass = new FilePass(job, job.key, { digest: false, read: readPiece })
  let opened = false
  const free: ArrayBuffer[] = []
  async function* stored(): AsyncGenerator<Uint8Array, void, undefined> {
    while (!pass.ended) {
      const piece = nextPiece(pass, new Uint8Array(free.pop() ?? new ArrayBuffer(READ_BYTES)), job)
      // The last piece leaves only if the file has not changed.
      if (pass.ended) await channel.ask('sourceRead', pass.crc64())
      if (piece.length > 0) yield piece
    }
  }
  const open = (): ByteChunks => {
    // A second pass could encrypt other bytes under the same key.
    if (opened) throw cipherReused()
    opened = true
    return Object.assign(stored(), {
      recycle: ({ buffer }: Uint8Array) => free.push(buffer as ArrayBuffer),
    })
  }
  try {
    const result = await sendBody({ sizeBytes: job.storedBytes, open }, job.prepared, channel)
    // Bytes may have left. Encrypting the file again here would be a second pass under the same key.
    return result.declined && opened ? failedResult(cipherReused()) : result
  } finally {
    pass.dispose()
  }
}

/** See `FilePass.next`. @throws CseError `ERR_CSE_SOURCE` */
function nextPiece(pass: FilePass, out: Uint8Array, { sizeBytes }: FilePart): Uint8Array {
  try {
    return pass.next(out)
  } catch (error) {
    if (!(error instanceof EndedEarly)) throw error
    throw sourceError(`ended after ${error.afterBytes} of its ${sizeBytes} bytes`)
  }
}

/** See `FileCipherJob`. */
export async function sendHeld(
  ciphertext: Uint8Array,
  prepared: PreparedRequest,
  channel: JobChannel,
): Promise<JobResult> {
  async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let offset = 0; offset < ciphertext.length; offset += SEND_BYTES) {
      yield ciphertext.subarray(offset, offset + SEND_BYTES)
    }
  }
  return sendBody({ sizeBytes: ciphertext.length, open }, prepared, channel)
}

/** Sends a body with a prepared request. */
async function sendBody(
  body: ObjectBody,
  prepared: PreparedRequest,
  channel: JobChannel,
): Promise<JobResult> {
  const { signal } = channel
  const onSentBytes = throttled((bytes) => channel.tell('moved', bytes))
  try {
    const response = await sent(prepared, channel, ({ put }) =>
      put(prepared.data, { body, signal, onSentBytes }),
    )
    return { response: plainResponse(response) }
  } catch (error) {
    return failedResult(error)
  }
}

function failedResult(error: unknown): JobResult {
  if (error instanceof Declined) return { declined: true }
  if (error instanceof FileFailure) return { failure: error.cause as NonNullable<JobResult['failure']> }
  return { error: portable(error) }
}

/** Sends a prepared request. Asks the other thread about its failure. */
async function sent<Response>(
  prepared: PreparedRequest,
  channel: JobChannel,
  send: (module: WorkerSideModule) => Promise<Response | undefined>,
): Promise<Response> {
  const functions: WorkerSideModule = await import(prepared.module).catch(() => {
    // As in a bundle without the module's file.
    throw new Declined()
  })
  let response: Response | undefined
  try {
    response = await send(functions)
  } catch (error) {
    throw await judged(error, prepared, channel)
  }
  if (response === undefined) throw new Declined()
  return response
}

/** The body of a response. Asks the other thread about a failure of the connection too. */
function judgedBody(body: ByteChunks, prepared: PreparedRequest, channel: JobChannel): ByteChunks {
  return {
    // No generator: closing it would have to wait for a running read.
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]()
      return {
        next: () =>
          chunks.next().catch(async (error: unknown) => {
            throw await judged(error, prepared, channel)
          }),
        return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
      }
    },
    recycle: (chunk) => body.recycle?.(chunk),
  }
}

/** The error to throw for that of a request: the other thread's, unless nobody there wants to know or the job ends. */
async function judged(error: unknown, { id }: PreparedRequest, channel: JobChannel): Promise<unknown> {
  if (id === undefined || channel.signal.aborted) return error
  return restored(await channel.ask('judge', { id, error: portable(error) }))
}

/** Only what a message can carry. */
function plainResponse({ status, headers, data }: PutObjectResponse): PutObjectResponse {
  return { status, headers, ...(data && { data }) }
}

/** See `readAt`. @throws CseError `ERR_CSE_SOURCE` */
function readPiece(fd: number, positionBytes: number, sizeBytes: number): Uint8Array {
  try {
    return readAt(fd, positionBytes, sizeBytes)
  } catch (error) {
    throw sourceError('failed', error)
  }
}

function writePiece(fd: number, bytes: Uint8Array, positionBytes: number): void {
  try {
    writeAt(fd, bytes, positionBytes)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new FileFailure(message, { cause: { code, message } })
  }
}

/** Reports the first value, and then at most one in `REPORT_MS`. */
function throttled(report: (value: number) => void): (value: number) => void {
  let reportedAt = Number.NEGATIVE_INFINITY
  return (value) => {
    const now = performance.now()
    if (now - reportedAt < REPORT_MS) return
    reportedAt = now
    report(value)
  }
}
