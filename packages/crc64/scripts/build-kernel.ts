// Writes src/kernel-code.ts from assembly/kernel.ts.
import { writeFileSync } from 'node:fs'
import { compileKernel } from './compile-kernel.ts'

const code = await compileKernel()
const text = `// Written by \`pnpm --filter @oss-cse/crc64 build:kernel\`.

/** \`assembly/kernel.ts\`, compiled: ${code.length} bytes, in base64. */
export const KERNEL_CODE =
  '${Buffer.from(code).toString('base64')}'
`
writeFileSync(new URL('../src/kernel-code.ts', import.meta.url), text)
