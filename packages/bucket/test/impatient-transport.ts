import { orAborted } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'

/** A transport in memory that gives up a put as soon as its signal aborts, like one with a connection. */
export function impatientTransport(): MemoryTransport {
  const transport = new MemoryTransport()
  const put = transport.put.bind(transport)
  transport.put = (request) => {
    const stored = put(request)
    stored.catch(() => {})
    return orAborted(stored, request.signal)
  }
  return transport
}
