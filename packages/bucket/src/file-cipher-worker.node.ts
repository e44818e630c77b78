import { readSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { parentPort } from 'node:worker_threads'
import { addToCounter, BLOCK_BYTES, type Crc64, createCrc64 } from '@oss-cse/crypto-core'
import { type AesCtrKeystream, aesCtr } from '@oss-cse/crypto-core/aes-ctr'
import { createSha256 } from '@oss-cse/crypto-core/sha256'
import type { FileCipherAnswer, FileCipherRequest } from './file-cipher-messages.node.ts'

/**
 * The thread's side of FileCipherThread: it serves one request after the other; what it has decrypted is written while it
 * goes on.
 */

const writeAt = promisify(write)

/** How much of a file is read and encrypted at a time, in bytes. */
const READ_BYTES = 256 * 1024

/** A run of an object on its way into a file. */
interface Decryption {
  readonly fd: number
  readonly keystream: AesCtrKeystream
  readonly crc64: Crc64
  /** Where the next bytes go. */
  position: number
}

const plaintext = new Uint8Array(READ_BYTES)
const decryptions = new Map<number, Decryption>()

async function serve(request: Exclude<FileCipherRequest, { type: 'chunk' }>): Promise<Result> {
  switch (request.type) {
    case 'encrypt':
      return encrypt(request)
    case 'decrypt': {
      const { run, fd, offsetBytes } = request
      const crc64 = await createCrc64()
      decryptions.set(run, { fd, keystream: keystreamAt(request), crc64, position: offsetBytes })
      return {}
    }
    case 'end': {
      const decryption = decryptions.get(request.run)
      decryptions.delete(request.run)
      decryption?.keystream.dispose()
      return decryption === undefined ? {} : { crc64: decryption.crc64.value() }
    }
  }
}

async function encrypt(request: Extract<FileCipherRequest, { type: 'encrypt' }>): Promise<Result> {
  const { fd, offsetBytes, sizeBytes, buffer } = request
  const [crc64, sha256] = await Promise.all([createCrc64(), createSha256()])
  const keystream = keystreamAt(request)
  const out = new Uint8Array(buffer, 0, sizeBytes)
  for (let done = 0; done < sizeBytes; ) {
    const count = readSync(fd, plaintext, 0, Math.min(READ_BYTES, sizeBytes - done), offsetBytes + done)
    if (count === 0) {
      keystream.dispose()
      return { endedAfter: done }
    }
    const ciphertext = keystream.update(plaintext.subarray(0, count)) as Uint8Array
    crc64.update(ciphertext)
    sha256.update(ciphertext)
    out.set(ciphertext, done)
    done += count
  }
  keystream.dispose()
  return { crc64: crc64.value(), sha256: sha256.digest() }
}

/** Decrypts the next bytes of a run at once; resolves when they are in the file. */
async function decrypt(request: Extract<FileCipherRequest, { type: 'chunk' }>): Promise<void> {
  const decryption = decryptions.get(request.run)
  if (decryption === undefined) throw new Error('there is no such run')
  const { fd, keystream, crc64, position } = decryption
  const ciphertext = new Uint8Array(request.buffer, 0, request.sizeBytes)
  crc64.update(ciphertext)
  const bytes = keystream.update(ciphertext) as Uint8Array
  decryption.position += bytes.length
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await writeAt(fd, bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

/** A keystream at an offset of the object; the key that came with the request is wiped. */
function keystreamAt({
  cek,
  iv,
  offsetBytes,
}: {
  readonly cek: Uint8Array
  readonly iv: Uint8Array
  readonly offsetBytes: number
}): AesCtrKeystream {
  const skipBytes = offsetBytes % BLOCK_BYTES
  const keystream = aesCtr.start(cek, addToCounter(iv, (offsetBytes - skipBytes) / BLOCK_BYTES))
  cek.fill(0)
  iv.fill(0)
  if (skipBytes > 0) keystream.update(new Uint8Array(skipBytes))
  return keystream
}

/** Answers a request; resolves as soon as the next one can be served. */
async function answer(request: FileCipherRequest): Promise<void> {
  if (request.type !== 'chunk') {
    const buffer = 'buffer' in request ? request.buffer : undefined
    post(request.id, await settled(serve(request)), buffer)
    return
  }
  const { id, buffer } = request
  void settled(decrypt(request).then(() => ({}))).then((result) => post(id, result, buffer))
}

type Result = Omit<FileCipherAnswer, 'id' | 'buffer'>

async function settled(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { failure: { code, message } }
  }
}

function post(id: number, result: Result, buffer: ArrayBuffer | undefined): void {
  const message: FileCipherAnswer = { id, ...result, ...(buffer && { buffer }) }
  parentPort?.postMessage(message, buffer === undefined ? [] : [buffer])
}

// One after the other: a run's chunks must stay in order.
let served: Promise<void> = Promise.resolve()
parentPort?.on('message', (request: FileCipherRequest) => {
  served = served.then(() => answer(request))
})
parentPort?.postMessage('ready')
