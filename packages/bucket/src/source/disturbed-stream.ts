/** Node.js keeps under this symbol whether a Web stream was read, as `isDisturbed` of `node:stream` returns. */
const NODE_DISTURBED = Symbol.for('nodejs.stream.disturbed')

/**
 * Returns whether a Web stream was read or cancelled, even if no reader holds it any more. Streams do not expose this.
 * But the constructor of Response must refuse a disturbed stream (Fetch standard, "extract a body").
 */
export function isDisturbed(stream: ReadableStream<unknown>): boolean {
  const told = (stream as { readonly [NODE_DISTURBED]?: unknown })[NODE_DISTURBED]
  if (typeof told === 'boolean') return told
  try {
    new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>)
    return false
  } catch {
    return true
  }
}
