import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const OPTIONS = ['--runtime', 'stub', '-O3', '--noAssert', '--enable', 'simd', '--initialMemory', '3']

/** Compiles `assembly/kernel.ts`. One version of the compiler returns the same bytes on every machine. */
export async function compileKernel(): Promise<Uint8Array> {
  const baseDir = fileURLToPath(new URL('../assembly/', import.meta.url))
  let code: Uint8Array | undefined
  const { error, stderr } = await asc.main(
    ['kernel.ts', '--outFile', 'kernel.wasm', '--baseDir', baseDir, ...OPTIONS],
    {
      writeFile(_name, contents) {
        code = contents as Uint8Array
      },
    },
  )
  if (error !== null || code === undefined) throw new Error(stderr.toString(), { cause: error })
  return code
}
