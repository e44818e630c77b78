/** A file in a browser that is being written. */
export interface WebFile {
  resize(sizeBytes: number): Promise<void>
  write(chunk: Uint8Array, offsetBytes: number): Promise<void>
  /** Reads at most that many bytes. */
  read(offsetBytes: number, sizeBytes: number): Promise<Uint8Array>
  /** Closes the file. What was written is in it then. */
  close(): Promise<void>
}

/** A file that a stream writes. The browser keeps the bytes in a file of its own until the stream is closed. */
export class StreamedFile implements WebFile {
  readonly #writable: FileSystemWritableFileStream
  /** The content before the stream was opened. */
  readonly #content: Blob

  constructor(writable: FileSystemWritableFileStream, content: Blob) {
    this.#writable = writable
    this.#content = content
  }

  async resize(sizeBytes: number): Promise<void> {
    await this.#writable.truncate(sizeBytes)
  }

  async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    // The type requires an ArrayBuffer that is not shared.
    await this.#writable.write({
      type: 'write',
      position: offsetBytes,
      data: chunk as Uint8Array<ArrayBuffer>,
    })
  }

  async read(offsetBytes: number, sizeBytes: number): Promise<Uint8Array> {
    return new Uint8Array(await this.#content.slice(offsetBytes, offsetBytes + sizeBytes).arrayBuffer())
  }

  async close(): Promise<void> {
    await this.#writable.close()
  }

  /** Closes the file, which keeps the content that it had before. */
  async abort(): Promise<void> {
    await this.#writable.abort()
  }
}

/** A file of the origin private file system, as a dedicated worker sees it. */
export interface WorkerFileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<SyncAccessHandle>
}

/** An open file in a dedicated worker. The types of a page do not have it. */
interface SyncAccessHandle {
  read(buffer: Uint8Array, options: { readonly at: number }): number
  write(buffer: Uint8Array, options: { readonly at: number }): number
  truncate(sizeBytes: number): void
  flush(): void
  close(): void
}

/** A file that a dedicated worker writes in place: what was written stays, even if the page is closed. */
export class SyncFile implements WebFile {
  readonly #handle: SyncAccessHandle

  constructor(handle: SyncAccessHandle) {
    this.#handle = handle
  }

  async resize(sizeBytes: number): Promise<void> {
    this.#handle.truncate(sizeBytes)
  }

  async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    const written = this.#handle.write(chunk, { at: offsetBytes })
    if (written < chunk.length) throw new DOMException('There is no more room.', 'QuotaExceededError')
  }

  async read(offsetBytes: number, sizeBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(sizeBytes)
    return bytes.subarray(0, this.#handle.read(bytes, { at: offsetBytes }))
  }

  async close(): Promise<void> {
    try {
      this.#handle.flush()
    } finally {
      this.#handle.close()
    }
  }
}
