// The module that a worker imports for a request of a WorkerMemoryTransport. It asks the transport, which is in the thread
// of the test.
import { TransportError } from '@oss-cse/crypto-core'

let lastId = 0

export async function get({ channel, request }, { signal }) {
  const { response, chunks, error } = await asked(channel, { request }, signal)
  if (response === undefined) throw restored(error)
  async function* body() {
    for (const chunk of chunks) {
      signal?.throwIfAborted()
      yield chunk
    }
    if (error !== undefined) throw restored(error)
  }
  return { ...response, body: body() }
}

export async function put({ channel, request }, { body, signal, onSentBytes }) {
  onSentBytes?.(0)
  const sent = []
  let sentBytes = 0
  for await (const chunk of body.open()) {
    signal?.throwIfAborted()
    sent.push(Uint8Array.from(chunk))
    sentBytes += chunk.length
    onSentBytes?.(sentBytes)
  }
  const { response, error } = await asked(channel, { request, sent }, signal)
  if (error !== undefined) throw restored(error)
  return response
}

/** Sends a question and waits for the answer. */
function asked(name, question, signal) {
  const channel = new BroadcastChannel(name)
  lastId += 1
  const id = `${process.pid} ${performance.timeOrigin} ${lastId}`
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const abort = () => {
      channel.postMessage({ id, abort: true })
      reject(signal.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    channel.onmessage = ({ data }) => {
      if (data.answers !== id) return
      signal?.removeEventListener('abort', abort)
      resolve(data)
    }
    channel.postMessage({ id, ...question })
  }).finally(() => channel.close())
}

function restored({ code, message, ...options }) {
  return code === undefined ? new Error(message) : new TransportError(code, message, options)
}
