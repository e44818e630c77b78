import { parentPort } from 'node:worker_threads'
import { isMismatch } from '@oss-cse/crypto-core/internal'
import { unwrapContentKey } from './content-key-unwrap.ts'
import type { UnwrapMessage, UnwrapResponse } from './unwrap-messages.ts'

/** The worker's side of UnwrapThread. It serves requests one after another, and keeps nothing between them. */

function respond({ id, key, request }: UnwrapMessage): void {
  try {
    const contentKey = unwrapContentKey(key, request)
    const { cek, iv } = contentKey
    const memory = [cek.buffer as ArrayBuffer, iv.buffer as ArrayBuffer]
    parentPort?.postMessage({ id, contentKey } satisfies UnwrapResponse, memory)
  } catch (error) {
    if (!isMismatch(error)) throw error
    parentPort?.postMessage({ id } satisfies UnwrapResponse)
  }
}

parentPort?.on('message', respond)
// A request that cannot be deserialized would never get a response, so this ends the thread.
parentPort?.on('messageerror', (error) => {
  throw error
})
parentPort?.postMessage('ready')
