import { readFileSync } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { compileKernel } from '../scripts/compile-kernel.ts'
import { referenceCrc64, sampleBytes } from '../test/reference.ts'
import { KERNEL_CODE } from './kernel-code.ts'
import { POLYNOMIAL } from './polynomial.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A fresh thread, as far as the package can tell. */
async function freshCreateCrc64() {
  vi.resetModules()
  return (await import('./crc64.ts')).createCrc64
}

/** Counts the modules that are compiled. */
function countModules() {
  const Module = vi.fn(class extends WebAssembly.Module {})
  vi.stubGlobal('WebAssembly', { Module, Instance: WebAssembly.Instance })
  return Module
}

test('the code in the repository is what the compiler makes of the source', async () => {
  expect(Buffer.from(await compileKernel()).toString('base64')).toBe(KERNEL_CODE)
})

test('the distances are those of a multiple of the polynomial', () => {
  const source = readFileSync(new URL('../assembly/kernel.ts', import.meta.url), 'utf8')
  const distances = [...source.matchAll(/^const D\d: usize = (\d+)(?: - (\d+))?$/gm)].map(
    ([, first, second = 0]) => Number(first) - Number(second),
  )
  expect(distances).toEqual([117, 152, 241, 395, 894, 1250, 1403])
  // A byte, and the bytes that it is added to, counted in bits from the last one on.
  const powers = new Set([0, ...distances].map((distance) => 8 * (1403 - distance)))
  // By Horner's rule: the bits of the highest power come first. Bit 63 of the reflected remainder is x^0.
  let remainder = 0n
  for (let power = 8 * 1403; power >= 0; power--) {
    remainder = remainder & 1n ? (remainder >> 1n) ^ POLYNOMIAL : remainder >> 1n
    if (powers.has(power)) remainder ^= 1n << 63n
  }
  expect(remainder).toBe(0n)
})

test('a message that is not short starts one kernel, which the following ones share', async () => {
  const bytes = sampleBytes(4096)
  const [once, twice] = [await referenceCrc64(bytes), await referenceCrc64(bytes, bytes)]
  const Module = countModules()
  const createCrc64 = await freshCreateCrc64()
  for (let message = 0; message < 3; message++) {
    const crc = createCrc64()
    crc.update(bytes)
    expect(crc.value()).toBe(once)
  }
  expect(Module).not.toHaveBeenCalled()
  for (let message = 0; message < 3; message++) {
    const crc = createCrc64()
    crc.update(bytes)
    crc.update(bytes)
    expect(crc.value()).toBe(twice)
  }
  expect(Module).toHaveBeenCalledTimes(1)
})

test.each([
  { what: 'missing', stub: undefined },
  {
    what: 'forbidden',
    stub: {
      Module: class {
        constructor() {
          throw new EvalError('forbidden by policy')
        }
      },
    },
  },
])('where WebAssembly is $what, plain JavaScript returns the same', async ({ stub }) => {
  const bytes = sampleBytes(100_001)
  const expected = await referenceCrc64(bytes, bytes)
  vi.stubGlobal('WebAssembly', stub)
  const crc = (await freshCreateCrc64())()
  crc.update(bytes)
  crc.update(bytes)
  expect(crc.value()).toBe(expected)
})
