import { readSync, writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { type AesCtrKeystream, wipe } from '@oss-cse/crypto-core'
import {
  type Crc64,
  createCrc64,
  freeBytes,
  keystreamAt,
  PartDigester,
  partDigest,
} from '@oss-cse/crypto-core/internal'
import type { FileCipherRequest, FileCipherResponse } from './file-cipher-messages.node.ts'

/** The thread's side of FileCipherThread. It serves requests one after another. */

/** The number of bytes of a file that are read and encrypted at a time. */
const READ_BYTES = 256 * 1024

/** A range of an object that is being decrypted into a file. */
interface Decryption {
  readonly fd: number
  readonly keystream: AesCtrKeystream
  readonly crc64: Crc64
  /** The file offset of the next bytes. */
  position: number
}

const plaintext = new Uint8Array(READ_BYTES)
const decryptions = new Map<number, Decryption>()

async function serve(request: FileCipherRequest): Promise<Omit<FileCipherResponse, 'id' | 'buffer'>> {
  switch (request.type) {
    case 'encrypt':
      return encrypt(request)
    case 'decrypt': {
      const { run, fd, offsetBytes } = request
      const crc64 = createCrc64()
      decryptions.set(run, { fd, keystream: startedKeystream(request), crc64, position: offsetBytes })
      return {}
    }
    case 'chunk':
      decrypt(decryptions.get(request.run), new Uint8Array(request.buffer, 0, request.sizeBytes))
      return {}
    case 'end': {
      const decryption = decryptions.get(request.run)
      decryptions.delete(request.run)
      decryption?.keystream.dispose()
      return decryption === undefined ? {} : { crc64: decryption.crc64.value() }
    }
  }
}

async function encrypt(
  request: Extract<FileCipherRequest, { type: 'encrypt' }>,
): Promise<Omit<FileCipherResponse, 'id' | 'buffer'>> {
  const { fd, positionBytes, offsetBytes, sizeBytes, buffer } = request
  const crc64 = createCrc64()
  const digester = new PartDigester(request, offsetBytes)
  const keystream = startedKeystream(request)
  const out = new Uint8Array(buffer, 0, sizeBytes)
  for (let done = 0; done < sizeBytes; ) {
    const count = readSync(fd, plaintext, 0, Math.min(READ_BYTES, sizeBytes - done), positionBytes + done)
    if (count === 0) {
      keystream.dispose()
      digester.dispose()
      return { endedAfter: done }
    }
    const ciphertext = keystream.update(plaintext.subarray(0, count)) as Uint8Array
    crc64.update(ciphertext)
    // On Node.js it returns no promise.
    void digester.update(ciphertext)
    out.set(ciphertext, done)
    freeBytes(ciphertext)
    done += count
  }
  keystream.dispose()
  return { crc64: crc64.value(), digest: partDigest(digester.digests() as Uint8Array) }
}

function decrypt(decryption: Decryption | undefined, ciphertext: Uint8Array): void {
  if (decryption === undefined) throw new Error('there is no such run')
  decryption.crc64.update(ciphertext)
  const bytes = decryption.keystream.update(ciphertext) as Uint8Array
  for (let written = 0; written < bytes.length; ) {
    const count = writeSync(decryption.fd, bytes, written, bytes.length - written, decryption.position)
    written += count
    decryption.position += count
  }
  freeBytes(bytes)
}

/** A keystream at an offset of the object. Wipes the key that came with the request. */
function startedKeystream({
  cek,
  iv,
  offsetBytes,
}: Extract<FileCipherRequest, { type: 'encrypt' | 'decrypt' }>): AesCtrKeystream {
  const { keystream, skipBytes } = keystreamAt({ cek, iv }, offsetBytes)
  wipe(cek, iv)
  if (skipBytes > 0) keystream.update(new Uint8Array(skipBytes))
  return keystream
}

async function respond(request: FileCipherRequest): Promise<void> {
  let result: Omit<FileCipherResponse, 'id' | 'buffer'>
  try {
    result = await serve(request)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    result = { failure: { code, message } }
  }
  const { id } = request
  if ('buffer' in request) {
    const { buffer } = request
    parentPort?.postMessage({ id, buffer, ...result } satisfies FileCipherResponse, [buffer])
  } else {
    parentPort?.postMessage({ id, ...result } satisfies FileCipherResponse)
  }
}

// One after another: a run's chunks must stay in order.
let served: Promise<void> = Promise.resolve()
parentPort?.on('message', (request: FileCipherRequest) => {
  served = served.then(() => respond(request))
})
// A request that cannot be deserialized would never get a response, so this ends the thread.
parentPort?.on('messageerror', (error) => {
  throw error
})
parentPort?.postMessage('ready')
