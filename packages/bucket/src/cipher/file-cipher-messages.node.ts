/** A request to the thread. Buffers are transferred and returned, never copied. */
export type FileCipherRequest =
  | {
      /** Reads a range of a file, encrypts it into the buffer, and digests the ciphertext. */
      readonly type: 'encrypt'
      readonly id: number
      readonly fd: number
      /** The start of the range in the file. */
      readonly positionBytes: number
      /** The start of the range in the object. */
      readonly offsetBytes: number
      readonly sizeBytes: number
      readonly cek: Uint8Array
      readonly iv: Uint8Array
      readonly buffer: ArrayBuffer
    }
  | {
      /** Starts to decrypt a range of an object into a file, at the range's own offset. */
      readonly type: 'decrypt'
      readonly id: number
      readonly run: number
      readonly fd: number
      readonly offsetBytes: number
      readonly cek: Uint8Array
      readonly iv: Uint8Array
    }
  | {
      /** The next ciphertext of a run. */
      readonly type: 'chunk'
      readonly id: number
      readonly run: number
      readonly sizeBytes: number
      readonly buffer: ArrayBuffer
    }
  | {
      /** The end of a run. The response contains the CRC-64 of its ciphertext. */
      readonly type: 'end'
      readonly id: number
      readonly run: number
    }

/** A response of the thread: one for each request. */
export interface FileCipherResponse {
  readonly id: number
  /** The request's buffer. */
  readonly buffer?: ArrayBuffer
  readonly crc64?: bigint
  /** The digest of the part that was encrypted: 16 bytes. */
  readonly digest?: Uint8Array
  /** The number of bytes that the file had, if it had too few. */
  readonly endedAfter?: number
  /** The system's code and message of a failed read or write. */
  readonly failure?: { readonly code: string | undefined; readonly message: string }
}
