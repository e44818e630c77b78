/**
 * Adds bytes to the state of a checksum, in place.
 *
 * The state is a pair of 32-bit halves, the low one first. It begins with all bits set, and its complement is the checksum.
 */
export type UpdateState = (state: Int32Array, chunk: Uint8Array) => void
