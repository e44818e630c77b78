import type { ClosedRange, HeaderMap, PutObjectResponse, RetryPolicy, WorkerSide } from '@oss-cse/crypto-core'
import type { RetryEvent } from '../policy/retry.ts'
import type { PinnedObject } from '../requests/range-bytes.ts'
import type { PortableError } from './portable-error.node.ts'
import type { SealedFileRun, SealedSegments } from './sealed-segments.ts'

/** A range of an open file that becomes a range of an object. */
export interface FilePart {
  readonly fd: number
  /** The start of the range in the file. */
  readonly positionBytes: number
  /** The start of the range in the object. */
  readonly offsetBytes: number
  readonly sizeBytes: number
  /** The length of what is stored of the range. */
  readonly storedBytes: number
  /** Where it is sealed. Absent: it is encrypted with AES-CTR. */
  readonly sealed?: SealedFileRun | undefined
}

/** A content key and its counter block: 48 bytes that both threads see. The thread that gets it wipes it. */
export type SharedKey = SharedArrayBuffer

/** A job for the thread. It gets one response. Buffers are transferred and returned, never copied. */
export type FileCipherJob =
  | (FilePart & {
      /** Reads a range of a file, encrypts it into the buffer, and digests the ciphertext. */
      readonly type: 'encrypt'
      readonly key: SharedKey
      readonly buffer: ArrayBuffer
    })
  | {
      /** Starts to decrypt a range of an object into a file, at the range's own offset. */
      readonly type: 'decrypt'
      readonly run: number
      readonly fd: number
      readonly offsetBytes: number
      readonly key: SharedKey
    }
  | {
      /** The next ciphertext of a run. */
      readonly type: 'chunk'
      readonly run: number
      readonly sizeBytes: number
      readonly buffer: ArrayBuffer
    }
  | {
      /** The end of a run. The response contains the CRC-64 of its ciphertext. */
      readonly type: 'end'
      readonly run: number
    }
  | {
      /**
       * Requests a range of the stored bytes of an object, and decrypts it into a file, at the offset of its plaintext. Of a
       * sealed object the response contains the digest of the segments.
       */
      readonly type: 'fetch'
      readonly sealed?: SealedSegments | undefined
      readonly fd: number
      readonly key: SharedKey
      readonly object: PinnedObject
      readonly range: ClosedRange
      readonly headers: HeaderMap
      readonly ossHeaders: boolean
      readonly retry: RetryPolicy
    }
  | (FilePart & {
      /** Reads a whole object from a file, encrypts and sends it. */
      readonly type: 'put'
      readonly key: SharedKey
      readonly prepared: PreparedRequest
    })
  | (FilePart & {
      /** Does what `encrypt` does, and keeps the ciphertext in the thread. */
      readonly type: 'hold'
      readonly held: number
      readonly key: SharedKey
    })
  | {
      /** Sends ciphertext that the thread keeps. */
      readonly type: 'send'
      readonly held: number
      readonly prepared: PreparedRequest
    }
  | {
      /** Returns ciphertext that the thread keeps, and forgets it. */
      readonly type: 'take'
      readonly held: number
    }
  | {
      /** Forgets ciphertext that the thread keeps. */
      readonly type: 'release'
      readonly held: number
      /** False when a connection may still read it, so that the memory must not be reused. */
      readonly reusable: boolean
    }

/** A prepared request, for the thread. */
export interface PreparedRequest extends Pick<WorkerSide, 'module' | 'data'> {
  /** Names the request in the question about its failure. Absent: there is nothing to ask. */
  readonly id?: number | undefined
}

/** A prepared request that failed. */
export interface FailedRequest {
  readonly id: number
  readonly error: PortableError
}

/** A message to the thread. */
export type FileCipherRequest =
  | (FileCipherJob & { readonly id: number })
  | { readonly type: 'abort'; readonly id: number }
  | {
      readonly type: 'answer'
      readonly id: number
      readonly question: number
      readonly value?: unknown
      readonly error?: PortableError
    }

/** What a job asks the thread that gave it. A question without a result is not waited for. */
export interface FileCipherQuestions {
  /** Prepares the next request. */
  prepare(headers: HeaderMap): Promise<PreparedRequest | undefined>
  /** Returns the error to throw in place of that of a request. */
  judge(failed: FailedRequest): Promise<PortableError>
  /**
   * Reports the CRC-64 of the ciphertext of a whole file, before its last byte leaves. Rejects if the file may have changed
   * while it was read.
   */
  sourceRead(crc64: bigint): Promise<void>
  /** Reports a retry. */
  retried(event: RetryEvent): void
  /** Reports the number of bytes that were written or sent so far. */
  moved(bytes: number): void
}

/** A message of the thread. */
export type FileCipherMessage =
  | FileCipherResponse
  | {
      readonly id: number
      readonly asks: keyof FileCipherQuestions
      readonly argument: unknown
      /** Absent if the thread does not wait for the answer. */
      readonly question?: number
    }

/** The response to a job. */
export interface FileCipherResponse {
  readonly id: number
  /** The job's buffer, or the one that was taken. */
  readonly buffer?: ArrayBuffer
  readonly crc64?: bigint
  /** The digest of the part that was encrypted, see `EncryptedPart`. Of segments that were opened: 32 bytes. */
  readonly digest?: Uint8Array
  /** The number of bytes that the file had, if it had too few. */
  readonly endedAfter?: number
  /** The system's code and message of a failed read or write of a file. */
  readonly failure?: { readonly code: string | undefined; readonly message: string }
  /** The response of the service to what was sent. */
  readonly response?: PutObjectResponse
  /** True when the thread that gave the job must do it itself. */
  readonly declined?: boolean
  /** Any other failure of the job. */
  readonly error?: PortableError
}
