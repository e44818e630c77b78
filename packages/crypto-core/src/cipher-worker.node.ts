import { parentPort } from 'node:worker_threads'
import { aesCtr } from './aes-ctr.node.ts'
import type { CipherAnswer, CipherRequest } from './cipher-messages.node.ts'
import { type Crc64, createCrc64 } from './crc64.ts'
import { addToCounter, BLOCK_BYTES } from './ctr-counter.ts'
import { createSha256, type Sha256 } from './sha256.node.ts'

/** The thread's side of a CipherThread: it works on one message after the other. */

interface Run {
  readonly direction: 'encrypt' | 'decrypt'
  readonly update: (chunk: Uint8Array) => Uint8Array
  readonly dispose: () => void
  readonly crc: Crc64 | undefined
  readonly sha: Sha256 | undefined
}

const runs = new Map<number, Run>()

async function start(request: Extract<CipherRequest, { type: 'start' }>): Promise<void> {
  const { run, direction, cek, iv, offsetBytes } = request
  const skipBytes = offsetBytes % BLOCK_BYTES
  const keystream = aesCtr.start(cek, addToCounter(iv, (offsetBytes - skipBytes) / BLOCK_BYTES))
  cek.fill(0)
  iv.fill(0)
  const update = (chunk: Uint8Array): Uint8Array => keystream.update(chunk) as Uint8Array
  if (skipBytes > 0) update(new Uint8Array(skipBytes))
  runs.set(run, {
    direction,
    update,
    dispose: () => keystream.dispose(),
    crc: request.crc64 ? await createCrc64() : undefined,
    sha: request.sha256 ? await createSha256() : undefined,
  })
}

function transform(run: Run, chunk: Uint8Array): Uint8Array {
  const result = run.update(chunk)
  const ciphertext = run.direction === 'encrypt' ? result : chunk
  run.crc?.update(ciphertext)
  run.sha?.update(ciphertext)
  return result
}

async function handle(request: CipherRequest): Promise<void> {
  if (request.type === 'start') {
    await start(request)
    return
  }
  const run = runs.get(request.run)
  if (run === undefined) return
  if (request.type === 'chunk') {
    const { buffer, sizeBytes } = request
    const chunk = transform(run, new Uint8Array(buffer, 0, sizeBytes))
    answer({ run: request.run, type: 'chunk', chunk, buffer }, [chunk.buffer as ArrayBuffer, buffer])
    return
  }
  runs.delete(request.run)
  run.dispose()
  if (request.type === 'cancel') return
  answer({
    run: request.run,
    type: 'end',
    ...(run.crc && { crc64: run.crc.value() }),
    ...(run.sha && { sha256: run.sha.digest() }),
  })
}

function answer(message: CipherAnswer, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer)
}

// One after the other: a start waits for its checksum's module.
let queue: Promise<void> = Promise.resolve()
parentPort?.on('message', (request: CipherRequest) => {
  queue = queue.then(() => handle(request))
})
answer({ type: 'ready' })
