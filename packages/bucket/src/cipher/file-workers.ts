import type { ContentKey } from '@oss-cse/crypto-core'
import type { FileWorkers } from '../policy/bucket-context.ts'
import type { BindFileRuns, FileRuns } from './file-runs.ts'

/** What a bucket without workers does: all runs in place. */
const IN_PLACE: FileRuns = {
  isLarge: () => false,
  send: async () => undefined,
  encryptPart: async () => undefined,
  openInto: async () => undefined,
  decryptInto: async () => undefined,
}

/** Workers of a runtime. The contexts of buckets know only their number, because they are started with content keys. */
export class RuntimeWorkers implements FileWorkers {
  readonly most: number | undefined
  readonly #bind: BindFileRuns

  constructor(bind: BindFileRuns, most: number | undefined) {
    this.most = most
    this.#bind = bind
  }

  /** Binds the runs to one object. Without workers, they are done in place. */
  static runsOf(
    workers: FileWorkers | undefined,
    contentKey: () => ContentKey,
    sealedContext?: Uint8Array,
  ): FileRuns {
    return workers instanceof RuntimeWorkers
      ? workers.#bind(contentKey, workers.most, sealedContext)
      : IN_PLACE
  }
}
