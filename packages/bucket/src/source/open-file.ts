/** An open file that a worker can read or write by itself. It stays open until the transfer has ended. */
export interface OpenFile {
  /** The file descriptor. */
  readonly fd: number
  /** The length of the whole file in bytes. */
  readonly sizeBytes: number
}

/** Bytes that stand in an open file, from an offset on. */
export interface FileRange extends OpenFile {
  readonly offsetBytes: number
}
