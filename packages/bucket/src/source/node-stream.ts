import { invalidBody, sourceError, spentStream } from './body-errors.ts'

/** The parts of a Node.js readable stream that are used here. This file runs in browsers too. */
export interface NodeStream extends AsyncIterable<Uint8Array | string> {
  pipe(target: unknown): unknown
  readonly readable?: boolean
  readonly readableDidRead?: boolean
  readonly readableEnded?: boolean
  /** True while another consumer reads it. */
  readonly readableFlowing?: boolean | null
  readonly destroyed?: boolean
  readonly errored?: Error | null
  iterator?(options: { readonly destroyOnReturn: boolean }): AsyncIterable<Uint8Array | string>
  on?(event: 'error', listener: () => void): unknown
  pause?(): unknown
  destroy?(): unknown
}

/** Returns whether an object is a Node.js stream, readable or not. */
export function isNodeStream(input: object): input is NodeStream {
  return typeof (input as Partial<NodeStream>).pipe === 'function'
}

/**
 * Takes a stream to read it later, and keeps it intact until then. A flowing stream is paused. An early error is kept
 * until the stream is read, and does not end the process.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a stream that is not readable, was read before, or is closed
 */
export function takeNodeStream(stream: NodeStream): void {
  const { destroyed, errored, readable, readableDidRead, readableEnded } = stream
  if (destroyed || errored || readableDidRead || readableEnded) throw spentStream()
  if (readable !== true) throw invalidBody('the stream is writable but not readable')
  if (typeof stream[Symbol.asyncIterator] !== 'function') {
    throw invalidBody('the stream is an old-style stream. Pass new Readable().wrap(stream)')
  }
  stream.on?.('error', () => {})
  if (stream.readableFlowing === true) stream.pause?.()
}

/**
 * Reads a stream that was taken.
 *
 * @throws CseError `ERR_CSE_SOURCE` when something else has read from it since
 */
export function openNodeStream(stream: NodeStream): AsyncIterable<Uint8Array | string> {
  // A socket that is read to its end may still be written to, so only `discard` destroys the stream.
  if (!stream.readableDidRead) return stream.iterator?.({ destroyOnReturn: false }) ?? stream
  throw sourceError('was read elsewhere in the meantime')
}
