import type { DownloadTarget } from '../src/resume/resumable-download.ts'

/** A download's target in memory. Like a file, it keeps written bytes apart from committed ones. */
export class MemoryTarget implements DownloadTarget {
  readonly identity: string = '/data/file'
  /** The bytes under the final name. */
  bytes: Uint8Array | undefined
  /** The bytes under the temporary name. */
  partial: Uint8Array | undefined
  /** Whether it was opened, and neither committed nor discarded nor closed. */
  isOpen = false
  /** Called before each call. An error that it throws becomes the call's failure. */
  intercept:
    | ((call: 'open' | 'write' | 'read' | 'commit', offsetBytes?: number) => void | Promise<void>)
    | undefined

  async open(sizeBytes: number, keep: boolean): Promise<boolean> {
    this.isOpen = true
    await this.intercept?.('open')
    if (keep && sizeBytes > 0 && this.partial?.length === sizeBytes) return true
    this.partial = new Uint8Array(sizeBytes)
    return false
  }

  async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    await this.intercept?.('write', offsetBytes)
    this.#opened().set(chunk, offsetBytes)
  }

  async *read(offsetBytes: number, sizeBytes: number): AsyncGenerator<Uint8Array> {
    await this.intercept?.('read', offsetBytes)
    yield this.#opened().slice(offsetBytes, offsetBytes + sizeBytes)
  }

  async commit(): Promise<void> {
    await this.intercept?.('commit')
    this.bytes = this.#opened()
    this.partial = undefined
    this.isOpen = false
  }

  async discard(): Promise<void> {
    this.partial = undefined
    this.isOpen = false
  }

  async close(): Promise<void> {
    this.isOpen = false
  }

  #opened(): Uint8Array {
    if (!this.isOpen || this.partial === undefined) throw new Error('The target is not open.')
    return this.partial
  }
}
