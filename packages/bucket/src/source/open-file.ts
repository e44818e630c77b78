/** An open file that a worker can read or write directly. It stays open until the transfer has ended. */
export interface OpenFile {
  /** The file descriptor. */
  readonly fd: number
  /** The length of the whole file in bytes. */
  readonly sizeBytes: number
}

/** The bytes of an open file, starting at an offset. */
export interface FileRange extends OpenFile {
  readonly offsetBytes: number
}
