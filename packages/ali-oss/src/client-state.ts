import type OSS from 'ali-oss'
import type { EncryptionOptions, PresignedUploads } from './crypto-oss-options.ts'
import type { OpenUploads } from './open-uploads.ts'
import type { CallOptions } from './request-options.ts'
import { ServiceCall, type UploadListener } from './service-call.ts'

/** What a `CryptoOSS` keeps beside what ali-oss keeps. */
export interface ClientState {
  readonly encryption: EncryptionOptions
  readonly presignedUploads: PresignedUploads
  /** How long compressed content may become in memory, unless a call says otherwise. */
  readonly maxDecompressedBytes: number
  readonly uploads: OpenUploads
}

const STATE = Symbol('CryptoOSS')

/**
 * Gives a client its state. It is a property, and no private field, because apps make views of a client by `Object.create`
 * or a Proxy, which do not have those; and a function, so that who prints the client does not see into it.
 */
export function keepState(client: OSS, state: ClientState): void {
  Object.defineProperty(client, STATE, { value: () => state })
}

/** The state of a client, or of the client that a view is of. */
export function stateOf(client: OSS): ClientState {
  return (client as OSS & { readonly [STATE]: () => ClientState })[STATE]()
}

/**
 * Begins a call of a client, or of a view of one.
 *
 * @throws CseError as `ServiceCall`
 */
export function beginCall(client: OSS, options?: CallOptions, listener?: UploadListener): ServiceCall {
  return new ServiceCall(client, stateOf(client).encryption, options, listener)
}
