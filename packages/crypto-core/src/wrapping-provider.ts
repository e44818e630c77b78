import { decodeBase64, encodeBase64 } from './bytes.ts'
import { CEK_BYTES, generateCek, IV_BYTES } from './content-key.ts'
import { checkWrapAlgorithm } from './envelope-v2.ts'
import { CseError, TransportError, unwrapFailed } from './errors.ts'
import { linkedAbort } from './linked-abort.ts'
import { checkedDescription, type MaterialDescription } from './material-description.ts'
import { orAborted } from './or-aborted.ts'
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
      const wrap = async (field: 'cek' | 'iv', bytes: Uint8Array, signal: AbortSignal): Promise<string> =>
        encodeBase64(await options.wrap(Uint8Array.from(bytes), { field, signal }))
      const [wrappedCek, wrappedIv] = await settled(
        call.signal,
        (signal) => wrap('cek', cek, signal),
        (signal) => wrap('iv', iv, signal),
        () => true,
      )
      return { cek, wrappedCek, wrappedIv }
    },
    async unwrap(envelope, call = {}) {
      if (options.unwrap === undefined) {
        throw new CseError('ERR_CSE_CANNOT_UNWRAP', `This ${wrapAlgorithm} provider only encrypts.`)
      }
      if (envelope.version !== 2) throw unwrapFailed()
      call.signal?.throwIfAborted()
      // Both are unwrapped before either is judged: only a service that is away ends it early.
      const [cek, iv] = await settled(
        call.signal,
        (signal) => unwrapText(envelope.wrappedCek, CEK_BYTES, { field: 'cek', signal }),
        (signal) => unwrapText(envelope.wrappedIv, IV_BYTES, { field: 'iv', signal }),
        TransportError.isInstance,
      )
      return { cek, iv }
    },
  }
}

/**
 * Makes two calls at once and waits for both. A failure that is `final` aborts the other call; one that is not is a
 * misfit. What does not look at its signal is left to itself when that aborts.
 */
async function settled<Result>(
  outer: AbortSignal | undefined,
  first: (signal: AbortSignal) => Promise<Result>,
  second: (signal: AbortSignal) => Promise<Result>,
  final: (error: unknown) => boolean,
): Promise<readonly [Result, Result]> {
  const link = linkedAbort(outer)
  let failure: { readonly error: unknown } | undefined
  const watched = async (call: (signal: AbortSignal) => Promise<Result>): Promise<Result> => {
    try {
      return await orAborted(call(link.signal), link.signal)
    } catch (error) {
      if (final(error)) {
        failure ??= { error }
        link.abort(error)
      }
      throw error
    }
  }
  try {
    const [one, other] = await Promise.allSettled([watched(first), watched(second)])
    // First: an aborted request often fails as if the network had.
    outer?.throwIfAborted()
    if (failure !== undefined) throw failure.error
    if (one.status === 'rejected' || other.status === 'rejected') throw unwrapFailed()
    return [one.value, other.value]
  } finally {
    link.unlink()
  }
}
