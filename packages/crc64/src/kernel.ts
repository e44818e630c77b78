import { KERNEL_CODE } from './kernel-code.ts'
import type { UpdateState } from './update-state.ts'

/** What `assembly/kernel.ts` exports. */
interface KernelExports {
  readonly memory: WebAssembly.Memory
  /** Where the state is, in bytes. */
  readonly STATE: WebAssembly.Global
  /** Where the bytes go, and how many at a time. */
  readonly INPUT: WebAssembly.Global
  readonly INPUT_BYTES: WebAssembly.Global
  update(sizeBytes: number): void
}

/**
 * Compiles and starts the kernel. It keeps nothing from one call to the next, so any number of checksums can share it.
 *
 * @returns how to add bytes with it, or `undefined` where WebAssembly or its SIMD is missing or forbidden
 */
export function startKernel(): UpdateState | undefined {
  try {
    const code = Uint8Array.from(atob(KERNEL_CODE), (character) => character.charCodeAt(0))
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code))
    return updateWith(exports as unknown as KernelExports)
  } catch {
    // A content security policy, or a runtime without SIMD.
    return undefined
  }
}

function updateWith({ memory, STATE, INPUT, INPUT_BYTES, update }: KernelExports): UpdateState {
  const inner = new Int32Array(memory.buffer, STATE.value, 2)
  const input = new Uint8Array(memory.buffer, INPUT.value, INPUT_BYTES.value)
  return (state, chunk) => {
    for (let at = 0; at < chunk.length; at += input.length) {
      const piece = chunk.length <= input.length ? chunk : chunk.subarray(at, at + input.length)
      // From here to the end of the round nothing else can run, and use the kernel for another checksum.
      input.set(piece)
      inner[0] = state[0] as number
      inner[1] = state[1] as number
      update(piece.length)
      state[0] = inner[0]
      state[1] = inner[1]
    }
  }
}
