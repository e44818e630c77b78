// The module that a worker imports for a request of a RecordedTransport: that of `worker-side.mjs`, which also appends each chunk
// to a file as it leaves.
import { appendFileSync } from 'node:fs'
import * as memory from './worker-side.mjs'

export const get = memory.get

export async function put({ wire, ...data }, { body, ...options }) {
  async function* open() {
    for await (const chunk of body.open()) {
      appendFileSync(wire, chunk)
      yield chunk
    }
  }
  return memory.put(data, { ...options, body: { ...body, open } })
}
