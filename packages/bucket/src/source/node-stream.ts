import { invalidBody, sourceError, spentStream } from './body-errors.ts'

/** A readable stream of Node.js, as far as it is looked at: this file runs in browsers too. */
export interface NodeStream extends AsyncIterable<Uint8Array | string> {
  pipe(target: unknown): unknown
  readonly readable?: boolean
  readonly readableDidRead?: boolean
  readonly readableEnded?: boolean
  /** True while somebody else reads it. */
  readonly readableFlowing?: boolean | null
  readonly destroyed?: boolean
  readonly errored?: Error | null
  iterator?(options: { readonly destroyOnReturn: boolean }): AsyncIterable<Uint8Array | string>
  on?(event: 'error', listener: () => void): unknown
  pause?(): unknown
  destroy?(): unknown
}

/** Tells a stream of Node.js, readable or not, from other objects. */
export function isNodeStream(input: object): input is NodeStream {
  return typeof (input as Partial<NodeStream>).pipe === 'function'
}

/**
 * Takes a stream that is to be read later. Nothing of it is lost meanwhile: one that flows already, for a listener of its
 * caller, waits; and an error of it is heard when it is read, and ends no process.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for one that cannot be read, that was read before, or that is closed
 */
export function takeNodeStream(stream: NodeStream): void {
  const { destroyed, errored, readable, readableDidRead, readableEnded } = stream
  if (destroyed || errored || readableDidRead || readableEnded) throw spentStream()
  if (readable !== true) throw invalidBody('the stream is writable but not readable')
  if (typeof stream[Symbol.asyncIterator] !== 'function') {
    throw invalidBody('the stream is of an old kind. Pass new Readable().wrap(stream)')
  }
  stream.on?.('error', () => {})
  if (stream.readableFlowing === true) stream.pause?.()
}

/**
 * Reads a stream that was taken.
 *
 * @throws CseError `ERR_CSE_SOURCE` when somebody else has read of it since
 */
export function openNodeStream(stream: NodeStream): AsyncIterable<Uint8Array | string> {
  // A socket that is read to its end may still be written to: only who gives a stream up destroys it.
  if (!stream.readableDidRead) return stream.iterator?.({ destroyOnReturn: false }) ?? stream
  throw sourceError('was read elsewhere meanwhile')
}
