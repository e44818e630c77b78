import type { ContentFormat } from '@oss-cse/crypto-core'
import type OSS from 'ali-oss'
import type { EncryptionOptions, PresignedUploads } from './crypto-oss-options.ts'
import type { OpenUploads } from './open-uploads.ts'
import type { CallOptions } from './request-options.ts'
import { ServiceCall, type UploadListener } from './service-call.ts'

/** The state of a `CryptoOSS` beside that of ali-oss. */
export interface ClientState {
  readonly encryption: EncryptionOptions
  /** How the content of new objects is encrypted. */
  readonly format: ContentFormat
  readonly presignedUploads: PresignedUploads
  /** The maximum length of decompressed content in memory, unless a call overrides it. */
  readonly maxDecompressedBytes: number
  readonly uploads: OpenUploads
}

const STATE = Symbol('CryptoOSS')

/**
 * Attaches the state to a client. It is a property, not a private field, because apps make views of a client with
 * `Object.create` or a Proxy, and those have no private fields. It is a function, so that printing the client does
 * not show the state.
 */
export function keepState(client: OSS, state: ClientState): void {
  Object.defineProperty(client, STATE, { value: () => state })
}

/** Returns the state of a client, or of the client that a view belongs to. */
export function stateOf(client: OSS): ClientState {
  return (client as OSS & { readonly [STATE]: () => ClientState })[STATE]()
}

/**
 * Starts a call of a client or of a view of one.
 *
 * @throws CseError as `ServiceCall`
 */
export function beginCall(client: OSS, options?: CallOptions, listener?: UploadListener): ServiceCall {
  return new ServiceCall(client, stateOf(client).encryption, options, listener)
}
