import { partDigest, sealedPartDigest } from '@oss-cse/crypto-core/internal'
import type { BindFileRuns, FileRuns } from './file-runs.ts'
import { PageWorkers } from './page-worker.web.ts'

/** A part of at least this many bytes is worth a worker. */
const WORKER_BYTES = 1024 ** 2

/** The worker of this page, which all buckets share. */
let shared: PageWorkers | undefined

/** Parts of Blobs are encrypted in a worker. This runtime has no open files, so all other runs are done in place. */
export const bindFileRuns: BindFileRuns = (...object) => {
  shared ??= new PageWorkers()
  return bindRuns(shared, ...object)
}

/** Binds the runs to one object, and to workers. */
export function bindRuns(
  workers: PageWorkers,
  ...[contentKey, most = 1, sealedContext]: Parameters<BindFileRuns>
): FileRuns {
  return {
    isLarge: () => false,
    send: async () => undefined,
    async encryptPart(range, { blob }) {
      if (blob === undefined || blob.size < WORKER_BYTES || most < 1) return undefined
      const part = await workers.encrypt({ blob, range, sealedContext }, contentKey)
      if (part === undefined) return undefined
      const { buffer, digests, crc64 } = part
      const bytes = new Uint8Array(buffer)
      async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
        yield bytes
      }
      const digest = sealedContext === undefined ? partDigest(digests) : sealedPartDigest(digests)
      return { sizeBytes: bytes.length, digest, crc64, open, release: () => {} }
    },
    openInto: async () => undefined,
    decryptInto: async () => undefined,
  }
}
