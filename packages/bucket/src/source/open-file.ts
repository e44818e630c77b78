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

/** Returns whether a value describes a range of an open file. */
export function isFileRange(value: unknown): value is FileRange {
  if (typeof value !== 'object' || value === null) return false
  const { fd, sizeBytes, offsetBytes } = value as Partial<FileRange>
  return [fd, sizeBytes, offsetBytes].every(
    (number) => Number.isSafeInteger(number) && (number as number) >= 0,
  )
}
