import { decodeBase64, encodeBase64 } from './bytes.ts'
import { CEK_BYTES, generateCek, IV_BYTES } from './content-key.ts'
import { checkWrapAlgorithm } from './envelope-v2.ts'
import { CseError, TransportError, unwrapFailed } from './errors.ts'
import { checkedDescription, type MaterialDescription } from './material-description.ts'
import type { CallOptions, MasterKeyProvider } from './ports.ts'

/** What a wrapping function is told beside the bytes. */
export interface WrappingCallOptions extends CallOptions {
  /**
   * Which of an envelope's two values it is. A service that authenticates further data or a context can bind it: then
   * one never passes for the other, whatever their lengths.
   */
  readonly field: 'cek' | 'iv'
}

/** A key service that wraps and unwraps a few bytes. */
export interface WrappingProviderOptions {
  /** The algorithm's name in the envelope: your own, printable ASCII without spaces. */
  readonly wrapAlgorithm: string
  /** Names the key in the envelopes. Default: nothing. */
  readonly materialDescription?: MaterialDescription | undefined
  /** Wraps 32 bytes (a CEK) or 16 (an IV). What it throws comes through as it is: keep the bytes out of it. */
  wrap(bytes: Uint8Array, options: WrappingCallOptions): Promise<Uint8Array> | Uint8Array
  /**
   * Unwraps what `wrap` made. Absent: a provider that only encrypts. Throw a TransportError when the service
   * could not answer; any other error means "this key does not fit" and is reported without its detail.
   */
  unwrap?(wrapped: Uint8Array, options: WrappingCallOptions): Promise<Uint8Array> | Uint8Array
}

/**
 * Builds a master key provider from a function that wraps bytes and one that unwraps them.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the description is not a map of strings, or the algorithm's
 * name cannot stand in an envelope.
 *
 * @example
 * ```ts
 * const provider = createWrappingProvider({
 *   wrapAlgorithm: 'ACME/HSM',
 *   wrap: (bytes) => hsm.encrypt(bytes),
 *   unwrap: (wrapped) => hsm.decrypt(wrapped),
 * })
 * ```
 */
export function createWrappingProvider(options: WrappingProviderOptions): MasterKeyProvider {
  const { wrapAlgorithm } = options
  checkWrapAlgorithm(wrapAlgorithm)
  // Called on `options`, which may be an object with methods.
  const unwrapText = async (
    text: string,
    sizeBytes: number,
    call: WrappingCallOptions,
  ): Promise<Uint8Array> => {
    const wrapped = decodeBase64(text)
    const bytes = wrapped && (await options.unwrap?.(wrapped, call))
    if (bytes?.length !== sizeBytes) throw unwrapFailed()
    return bytes
  }
  return {
    wrapAlgorithm,
    materialDescription: checkedDescription(options.materialDescription ?? {}),
    canUnwrap: options.unwrap !== undefined,
    async generateContentKey(iv, call = {}) {
      call.signal?.throwIfAborted()
      const cek = generateCek()
      try {
        const [wrappedCek, wrappedIv] = await Promise.all([
          options.wrap(Uint8Array.from(cek), { ...call, field: 'cek' }),
          options.wrap(Uint8Array.from(iv), { ...call, field: 'iv' }),
        ])
        return { cek, wrappedCek: encodeBase64(wrappedCek), wrappedIv: encodeBase64(wrappedIv) }
      } catch (error) {
        // An aborted request often fails as if the network had.
        call.signal?.throwIfAborted()
        throw error
      }
    },
    async unwrap(envelope, call = {}) {
      if (options.unwrap === undefined) {
        throw new CseError('ERR_CSE_CANNOT_UNWRAP', `This ${wrapAlgorithm} provider only encrypts.`)
      }
      if (envelope.version !== 2) throw unwrapFailed()
      call.signal?.throwIfAborted()
      // Both are unwrapped before either is judged.
      const [cek, iv] = await Promise.allSettled([
        unwrapText(envelope.wrappedCek, CEK_BYTES, { ...call, field: 'cek' }),
        unwrapText(envelope.wrappedIv, IV_BYTES, { ...call, field: 'iv' }),
      ])
      call.signal?.throwIfAborted()
      for (const result of [cek, iv]) {
        if (result.status === 'rejected' && TransportError.isInstance(result.reason)) throw result.reason
      }
      if (cek.status === 'rejected' || iv.status === 'rejected') throw unwrapFailed()
      return { cek: cek.value, iv: iv.value }
    },
  }
}
