/** Where Node.js tells whether a Web stream was read, as `isDisturbed` of `node:stream` does. */
const NODE_DISTURBED = Symbol.for('nodejs.stream.disturbed')

/**
 * Tells whether somebody has read from a Web stream, or cancelled it, although no reader holds it any more. Streams do not
 * tell that themselves; what makes a response of one must not take such a one (Fetch standard, "extract a body").
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
