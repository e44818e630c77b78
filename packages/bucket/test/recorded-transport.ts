import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CseError, type WorkerSide, type WorkerSideRequest } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { expect } from 'vitest'
import { difference } from './bytes.ts'
import { WorkerMemoryTransport } from './worker-memory-transport.ts'

/** What left of one body, even if its request failed. */
export interface Wire {
  /** Names the content key. */
  readonly wrappedCek: string
  /** Zero for a whole object. */
  readonly partNumber: number
  readonly bytes: Uint8Array
}

/** A transport that keeps every byte that left a worker, in files of a directory. */
export class RecordedTransport extends WorkerMemoryTransport {
  readonly #directory: string
  readonly #sent: (Omit<Wire, 'bytes'> & { readonly path: string })[] = []

  constructor(directory: string) {
    super()
    this.#directory = directory
  }

  /** All bodies that workers began to send. */
  get wires(): Wire[] {
    return this.#sent.map(({ path, ...wire }) => ({ ...wire, bytes: new Uint8Array(readFileSync(path)) }))
  }

  override async workerSide(request: WorkerSideRequest): Promise<WorkerSide | undefined> {
    const side = await super.workerSide(request)
    if (side === undefined || request.operation === 'get') return side
    const path = join(this.#directory, `wire ${this.#sent.length}`)
    writeFileSync(path, '')
    const partNumber = request.operation === 'uploadPart' ? request.partNumber : 0
    const wrappedCek = request.headers[V2_HEADERS.wrappedCek]
    if (wrappedCek === undefined) throw new CseError('ERR_CSE_ENVELOPE_DAMAGED', 'no envelope')
    this.#sent.push({ wrappedCek, partNumber, path })
    const module = new URL('./recording-side.mjs', import.meta.url).href
    return { ...side, module, data: { ...(side.data as object), wire: path } }
  }

  /**
   * Checks that no nonce of one key carried two plaintexts: a whole object was sent once under its key, and the bodies of one
   * part agree as far as both go.
   */
  expectOnePlaintext(): void {
    const longest = new Map<string, Uint8Array>()
    for (const { wrappedCek, partNumber, bytes } of this.wires) {
      const name = `${wrappedCek} ${partNumber}`
      const other = longest.get(name)
      if (partNumber === 0) expect(other).toBeUndefined()
      const length = Math.min(bytes.length, other?.length ?? bytes.length)
      expect(difference(bytes.subarray(0, length), (other ?? bytes).subarray(0, length))).toBeUndefined()
      if (other === undefined || other.length < bytes.length) longest.set(name, bytes)
    }
  }
}
