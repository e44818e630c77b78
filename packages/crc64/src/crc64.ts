import { startKernel } from './kernel.ts'
import { updateByTables } from './table-update.ts'
import type { UpdateState } from './update-state.ts'

/** A running CRC-64/XZ (ECMA-182, reflected), the checksum of OSS. Pass the bytes in order, and read the value at any time. */
export interface Crc64 {
  /**
   * Adds bytes. They are read before it returns, and not kept.
   *
   * @throws {TypeError} if `chunk` is anything else than an array of bytes
   */
  update(chunk: Uint8Array): void
  /** The checksum of all bytes so far, as an unsigned 64-bit number. */
  value(): bigint
}

/** A message up to this length is done before a kernel would have been started for it. */
const SHORT_BYTES = 4096

/** How this thread adds bytes, from the first message on that is not short. */
let chosen: UpdateState | undefined

/**
 * Starts a checksum.
 *
 * The first one in a thread that passes 4 KiB compiles a WebAssembly module of 1.4 KB. All checksums of the thread share it
 * from then on. Where WebAssembly or its SIMD is missing or forbidden, plain JavaScript returns the same values.
 *
 * @example
 * ```ts
 * const crc = createCrc64()
 * crc.update(new TextEncoder().encode('123456789'))
 * crc.value() // 0x995dc9bbdf1939fan
 * ```
 */
export function createCrc64(): Crc64 {
  return new RunningCrc64()
}

class RunningCrc64 implements Crc64 {
  readonly #state = new Int32Array([-1, -1])
  #sizeBytes = 0

  update(chunk: Uint8Array): void {
    if (!ArrayBuffer.isView(chunk) || chunk.BYTES_PER_ELEMENT !== 1) {
      throw new TypeError('CRC-64: a chunk must be a Uint8Array.')
    }
    this.#sizeBytes += chunk.length
    if (chosen === undefined && this.#sizeBytes > SHORT_BYTES) chosen = startKernel() ?? updateByTables
    const update = chosen ?? updateByTables
    update(this.#state, chunk)
  }

  value(): bigint {
    const [low, high] = this.#state as unknown as [number, number]
    return BigInt.asUintN(64, ~((BigInt(high) << 32n) | BigInt(low >>> 0)))
  }
}
