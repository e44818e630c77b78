import type { ContentCipher } from '../cipher/content-cipher.ts'
import type { MultipartUploadState } from './multipart-state.ts'
import type { PersistState } from './open-upload.ts'

/** How the content key of an upload is kept without its master key, which cannot unwrap it. */
export interface LocalKeeping {
  /** See `CheckpointStore.localKey`. */
  readonly localKey: CryptoKey
  /**
   * Saves the upload's state and its wrapped content key. Must not resolve before both are safe.
   *
   * @param wrapped - under the local key, and bound to this state
   */
  save(state: MultipartUploadState, wrapped: string): Promise<void>
}

/** Saves each state of an upload together with its content key, which is wrapped for that state alone. */
export function persistLocally(
  cipher: ContentCipher,
  location: string | undefined,
  { localKey, save }: LocalKeeping,
): PersistState {
  return async (state) => save(state, await cipher.wrapLocally(localKey, stateBinding(location, state)))
}

/**
 * What a locally wrapped key is bound to: the whole state. With another envelope, or without the digest of a part that was
 * begun, the key is not unwrapped, so no altered record makes it encrypt other bytes under a counter that was used.
 */
export function stateBinding(
  location: string | undefined,
  state: MultipartUploadState,
): Uint8Array<ArrayBuffer> {
  const { version, key, uploadId, sizeBytes, partSizeBytes, commitment = '' } = state
  const maps = [state.envelope, state.headers, state.partDigests].map((map) => Object.entries(map).sort())
  const bound = [LABEL, location ?? '', version, key, uploadId, sizeBytes, partSizeBytes, commitment, ...maps]
  return new TextEncoder().encode(JSON.stringify(bound))
}

const LABEL = 'oss-cse local key v1'
