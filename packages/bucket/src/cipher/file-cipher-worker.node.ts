import { parentPort } from 'node:worker_threads'
import type { AesCtrKeystream } from '@oss-cse/crypto-core'
import { type Crc64, createCrc64 } from '@oss-cse/crypto-core/internal'
import { cipherPieces } from './cipher-pieces.node.ts'
import type { FileCipherJob, FileCipherRequest, FilePart, SharedKey } from './file-cipher-messages.node.ts'
import { EndedEarly, FilePass } from './file-pass.node.ts'
import { JobChannel } from './job-channel.node.ts'
import { takeShared } from './shared-key.node.ts'
import { writeAt } from './thread-files.node.ts'
import { startedKeystream } from './thread-keystream.node.ts'
import { fetchRange, fetchSegments, type JobResult, putFile, sendHeld } from './thread-transfers.node.ts'

/** The thread's side of FileCipherThread. */

/** As many as one upload needs, with its parts spread over two threads. */
const MAX_FREE_BUFFERS = 3

/** A range of an object that is being decrypted into a file. */
interface Decryption {
  readonly fd: number
  readonly keystream: AesCtrKeystream
  readonly crc64: Crc64
  /** The file offset of the next bytes. */
  position: number
}

const decryptions = new Map<number, Decryption>()
/** Ciphertext that this thread keeps, by the name that the other thread gave it. */
const kept = new Map<number, Uint8Array>()
/** Buffers of released ciphertext. New ones for each part would keep the garbage collector busy. */
const free: ArrayBuffer[] = []

/** Starts a job, in the order of the requests: the chunks of a run must stay in it. */
function start(job: FileCipherJob, channel: JobChannel): JobResult | Promise<JobResult> {
  switch (job.type) {
    case 'encrypt':
      return encrypt(job, job.key, new Uint8Array(job.buffer, 0, job.storedBytes))
    case 'decrypt': {
      const { run, fd, offsetBytes, key } = job
      const crc64 = createCrc64()
      decryptions.set(run, {
        fd,
        keystream: startedKeystream(key, offsetBytes),
        crc64,
        position: offsetBytes,
      })
      return {}
    }
    case 'chunk':
      decrypt(decryptions.get(job.run), new Uint8Array(job.buffer, 0, job.sizeBytes))
      return {}
    case 'end': {
      const decryption = decryptions.get(job.run)
      decryptions.delete(job.run)
      decryption?.keystream.dispose()
      return decryption === undefined ? {} : { crc64: decryption.crc64.value() }
    }
    case 'fetch':
      return job.sealed === undefined
        ? fetchRange(job, startedKeystream(job.key, job.range.start), channel)
        : fetchSegments(job, job.sealed, takeShared(job.key), channel)
    case 'put':
      return putFile(job, channel)
    case 'hold': {
      const { storedBytes } = job
      const buffer = free.pop()
      const usable = buffer !== undefined && buffer.byteLength >= storedBytes
      const ciphertext = new Uint8Array(usable ? buffer : new ArrayBuffer(storedBytes), 0, storedBytes)
      const result = encrypt(job, job.key, ciphertext)
      if (result.digest !== undefined) kept.set(job.held, ciphertext)
      return result
    }
    case 'send':
      return sendHeld(keptCiphertext(job.held), job.prepared, channel)
    case 'take': {
      const { buffer } = keptCiphertext(job.held)
      kept.delete(job.held)
      return { buffer: buffer as ArrayBuffer }
    }
    case 'release': {
      const ciphertext = kept.get(job.held)
      kept.delete(job.held)
      if (ciphertext !== undefined && job.reusable && free.length < MAX_FREE_BUFFERS)
        free.push(ciphertext.buffer as ArrayBuffer)
      return {}
    }
  }
}

function keptCiphertext(held: number): Uint8Array {
  const ciphertext = kept.get(held)
  if (ciphertext === undefined) throw new Error('there is no such ciphertext')
  return ciphertext
}

/** Reads and encrypts a part of a file into `out`, which has its stored length. */
function encrypt(part: FilePart, key: SharedKey, out: Uint8Array): JobResult {
  const pass = new FilePass(part, key, { digest: true })
  try {
    for (let done = 0; !pass.ended; ) done += pass.next(out.subarray(done)).length
    return { crc64: pass.crc64(), digest: pass.digest() }
  } catch (error) {
    if (error instanceof EndedEarly) return { endedAfter: error.afterBytes }
    throw error
  } finally {
    pass.dispose()
  }
}

function decrypt(decryption: Decryption | undefined, ciphertext: Uint8Array): void {
  if (decryption === undefined) throw new Error('there is no such run')
  const { fd, keystream, crc64 } = decryption
  crc64.update(ciphertext)
  cipherPieces(keystream, ciphertext, (piece) => {
    writeAt(fd, piece, decryption.position)
    decryption.position += piece.length
  })
}

/** The jobs that are not done. */
const channels = new Map<number, JobChannel>()

function serve(request: FileCipherRequest): void {
  const { id } = request
  if (request.type === 'abort') channels.get(id)?.abort()
  else if (request.type === 'answer') channels.get(id)?.answered(request)
  else void work(id, request)
}

async function work(id: number, job: FileCipherJob): Promise<void> {
  let result: JobResult
  try {
    // Not awaited if it is there: the responses keep the order of the jobs, and so do the chunks of a run.
    const started = start(job, channelOf(id))
    result = started instanceof Promise ? await started : started
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    result = { failure: { code, message } }
  }
  channels.delete(id)
  const buffer = 'buffer' in job ? job.buffer : result.buffer
  port.postMessage({ ...result, id, ...(buffer && { buffer }) }, buffer ? [buffer] : [])
}

function channelOf(id: number): JobChannel {
  const channel = new JobChannel(id, port)
  channels.set(id, channel)
  return channel
}

if (parentPort === null) throw new Error('This file is the code of a worker thread.')
const port = parentPort
port.on('message', serve)
// A request that cannot be deserialized would never get a response, so this ends the thread.
port.on('messageerror', (error) => {
  throw error
})
port.postMessage('ready')
