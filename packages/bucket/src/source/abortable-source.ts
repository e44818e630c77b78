import { orAborted } from '@oss-cse/crypto-core'
import type { ByteSource } from './byte-source.ts'

/** A source whose reading ends with a signal, also where it gives nothing. */
export function abortableSource(source: ByteSource, signal: AbortSignal | undefined): ByteSource {
  if (signal === undefined) return source
  async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
    const iterator = source.open()[Symbol.asyncIterator]()
    try {
      for (;;) {
        const step = await orAborted(iterator.next(), signal)
        if (step.done) return
        yield step.value
      }
    } finally {
      // Not awaited: a source that gives nothing would not end either.
      void Promise.resolve(iterator.return?.()).catch(() => {})
    }
  }
  return { ...source, open }
}
