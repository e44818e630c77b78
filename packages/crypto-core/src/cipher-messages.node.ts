/** What a caller tells a cipher thread. */
export type CipherRequest =
  | {
      readonly run: number
      readonly type: 'start'
      readonly direction: 'encrypt' | 'decrypt'
      readonly cek: Uint8Array
      readonly iv: Uint8Array
      readonly offsetBytes: number
      readonly crc64: boolean
      readonly sha256: boolean
    }
  | { readonly run: number; readonly type: 'chunk'; readonly buffer: ArrayBuffer; readonly sizeBytes: number }
  | { readonly run: number; readonly type: 'end' }
  | { readonly run: number; readonly type: 'cancel' }

/** What a cipher thread answers: one chunk for each chunk, in order, the digests for the end. */
export type CipherAnswer =
  | { readonly type: 'ready' }
  | {
      readonly run: number
      readonly type: 'chunk'
      readonly chunk: Uint8Array
      /** The request's buffer, to be filled again. */
      readonly buffer: ArrayBuffer
    }
  | {
      readonly run: number
      readonly type: 'end'
      readonly crc64?: bigint
      readonly sha256?: Uint8Array
    }
