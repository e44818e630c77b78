/** What the caller asks of the thread. Buffers go over and come back: none is copied. */
export type FileCipherRequest =
  | {
      /** Reads a run of a file, encrypts it into the buffer, and digests the ciphertext. */
      readonly type: 'encrypt'
      readonly id: number
      readonly fd: number
      /** Where the run begins in the file. */
      readonly positionBytes: number
      /** Where the run begins in the object. */
      readonly offsetBytes: number
      readonly sizeBytes: number
      readonly cek: Uint8Array
      readonly iv: Uint8Array
      readonly buffer: ArrayBuffer
    }
  | {
      /** Begins to decrypt a run of an object into a file, at the run's own offset. */
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
      /** The end of a run: answered with the CRC-64 of its ciphertext. */
      readonly type: 'end'
      readonly id: number
      readonly run: number
    }

/** What the thread answers: one answer for each request. */
export interface FileCipherAnswer {
  readonly id: number
  /** The request's buffer. */
  readonly buffer?: ArrayBuffer
  readonly crc64?: bigint
  readonly sha256?: Uint8Array
  /** How many bytes the file had, where those were too few. */
  readonly endedAfter?: number
  /** The system's code and text of a failed read or write. */
  readonly failure?: { readonly code: string | undefined; readonly message: string }
}
