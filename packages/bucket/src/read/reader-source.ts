import type { CallOptions } from '@oss-cse/crypto-core'
import { LinkedObject, type ReadTransport } from './linked-object.ts'
import type { ReaderSource } from './object-reader.ts'

/** Reads from the object, or from the target if the object is a link. */
export function readerSource(
  transport: ReadTransport,
  key: string,
  { versionId, signal }: CallOptions & { readonly versionId?: string | undefined },
): ReaderSource {
  const linked = new LinkedObject(transport, key, versionId)
  return {
    ossHeaders: true,
    get reference() {
      return linked.reference
    },
    forgetLink: () => linked.forget(),
    request: (headers, signal) => linked.get(headers, signal),
    workerSide: (headers, signal) => linked.workerSide(headers, signal),
    head: (headers) => linked.head(headers, signal),
  }
}
