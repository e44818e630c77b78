/**
 * Frees the memory of an array at once, if the runtime can (Node.js 22) and the array is all of its buffer. Otherwise
 * the garbage collector frees it later. Without this, large buffers pile up until the collector runs, and each run costs
 * more than the encryption of the bytes.
 *
 * @param bytes - nobody else may use it or its buffer: it is empty afterwards
 */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  const { transfer } = buffer as ArrayBuffer & { transfer?: (newLength: number) => ArrayBuffer }
  // An empty array has nothing to free. Its buffer may be detached, and then a transfer throws.
  if (byteLength > 0 && byteLength === buffer.byteLength) transfer?.call(buffer, 0)
}
