import { bothOrNone } from './both-or-none.ts'
import { decodeBase64, encodeBase64, isUint8Array } from './bytes.ts'
import { CEK_BYTES, checkContentKey, generateCek, IV_BYTES } from './content-key.ts'
import { checkWrapAlgorithm } from './envelope-v2.ts'
import { CseError, TransportError, unwrapFailed } from './errors.ts'
import { checkedDescription, type MaterialDescription } from './material-description.ts'
import type { ContentKey, MasterKeyCallOptions, MasterKeyProvider, WrappedContentKey } from './ports.ts'

/** Options of a call of `wrap` or `unwrap`. */
export interface WrappingCallOptions extends MasterKeyCallOptions {
  /**
   * Which of the two values of an envelope it is. A service that authenticates additional data or a context can bind
   * it. Then one value is never accepted as the other, whatever their lengths.
   */
  readonly field: 'cek' | 'iv'
}

/** Options of a provider whose key service wraps and unwraps a few bytes. */
export interface WrappingProviderOptions {
  /** Your own name of the algorithm, for the envelope: printable ASCII without spaces. */
  readonly wrapAlgorithm: string
  /** Names the key in the envelopes. Default: no description. */
  readonly materialDescription?: MaterialDescription | undefined
  /** Which key it is, see `MasterKeyProvider`. Required in a keyring with a sealed-only key. Default: not stated. */
  readonly keyIdentity?: string | undefined
  /** Wraps 32 bytes (a CEK) or 16 (an IV). Its errors reach the caller unchanged, so keep the bytes out of them. */
  wrap(bytes: Uint8Array, options: WrappingCallOptions): Promise<Uint8Array> | Uint8Array
  /**
   * Unwraps what `wrap` returned. Without it, the provider only encrypts. Throw a TransportError if the service could
   * not respond. Any other error means that this key does not match, and is reported without detail.
   */
  unwrap?(wrapped: Uint8Array, options: WrappingCallOptions): Promise<Uint8Array> | Uint8Array
}

/**
 * Builds a master key provider from a function that wraps bytes and one that unwraps them.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the description is not a map of strings, or the name of the
 * algorithm is not valid in an envelope.
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
  const { wrapAlgorithm, keyIdentity } = options
  checkWrapAlgorithm(wrapAlgorithm)
  // The functions are called on `options`, which may be an object with methods.
  const unwrapText = async (
    text: string,
    sizeBytes: number,
    call: WrappingCallOptions,
  ): Promise<Uint8Array> => {
    const wrapped = decodeBase64(text)
    let bytes: unknown
    try {
      bytes = wrapped && (await options.unwrap?.(wrapped, call))
    } catch (error) {
      // Any other error means that the key does not match.
      throw TransportError.isInstance(error) ? error : unwrapFailed()
    }
    if (!isUint8Array(bytes) || bytes.length !== sizeBytes) throw unwrapFailed()
    return bytes
  }
  const wrapBytes = async (bytes: Uint8Array, call: WrappingCallOptions): Promise<string> => {
    const wrapped: unknown = await options.wrap(Uint8Array.from(bytes), call)
    // A string, for example, would be stored as bytes that nobody can unwrap.
    if (isUint8Array(wrapped) && wrapped.length > 0) return encodeBase64(wrapped)
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `The \`wrap\` function of this ${wrapAlgorithm} provider must return a Uint8Array that is not empty.`,
    )
  }
  const wrap = async ({ cek, iv }: ContentKey, call: MasterKeyCallOptions): Promise<WrappedContentKey> => {
    call.signal?.throwIfAborted()
    const [wrappedCek, wrappedIv] = await bothOrNone(
      call.signal,
      (signal) => wrapBytes(cek, { ...call, field: 'cek', signal }),
      (signal) => wrapBytes(iv, { ...call, field: 'iv', signal }),
    )
    return { wrappedCek, wrappedIv }
  }
  return {
    wrapAlgorithm,
    materialDescription: checkedDescription(options.materialDescription ?? {}),
    canUnwrap: options.unwrap !== undefined,
    ...(keyIdentity !== undefined && { keyIdentity }),
    async generateContentKey(iv, call = {}) {
      const cek = generateCek()
      return { cek, ...(await wrap({ cek, iv }, call)) }
    },
    async wrap(contentKey, call = {}) {
      checkContentKey(contentKey)
      return wrap(contentKey, call)
    },
    async unwrap(envelope, call = {}) {
      if (options.unwrap === undefined) {
        throw new CseError('ERR_CSE_CANNOT_UNWRAP', `This ${wrapAlgorithm} provider only encrypts.`)
      }
      if (envelope.version !== 2) throw unwrapFailed()
      call.signal?.throwIfAborted()
      // Both calls end before either result is judged. Only a service that does not respond ends them early.
      const [cek, iv] = await bothOrNone(
        call.signal,
        (signal) => unwrapText(envelope.wrappedCek, CEK_BYTES, { ...call, field: 'cek', signal }),
        (signal) => unwrapText(envelope.wrappedIv, IV_BYTES, { ...call, field: 'iv', signal }),
      )
      return { cek, iv }
    },
  }
}
