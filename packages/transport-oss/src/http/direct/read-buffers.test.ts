import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ReadBuffers } from './read-buffers.ts'

it('no two parties ever have the same memory, whatever is recycled, how often and in which order', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('read', 'recycle', 'again', 'transfer'), fc.nat()), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(steps, (actions) => {
      const buffers = new ReadBuffers(64)
      const held: { readonly chunk: Uint8Array; readonly mark: number }[] = []
      const returned: Uint8Array[] = []
      let mark = 0
      for (const [action, number] of actions) {
        if (action === 'read') {
          const buffer = buffers.take()
          expect(buffer.byteLength).toBe(64)
          mark = (mark + 1) % 256
          buffer.fill(mark)
          held.push({ chunk: buffers.lend(buffer, number % 2 === 0 ? 64 : 1 + (number % 64)), mark })
        } else if (action === 'again') {
          const chunk = returned[number % Math.max(1, returned.length)]
          if (chunk !== undefined) buffers.recycle(chunk)
        } else {
          const [one] = held.splice(number % Math.max(1, held.length), 1)
          if (one === undefined) continue
          if (action === 'transfer')
            structuredClone(one.chunk, { transfer: [one.chunk.buffer as ArrayBuffer] })
          buffers.recycle(one.chunk)
          returned.push(one.chunk)
        }
        for (const { chunk, mark } of held) expect(chunk.every((byte) => byte === mark)).toBe(true)
      }
    }),
  )
})

it('a recycled buffer is used again, and one that is not recycled is replaced', () => {
  const buffers = new ReadBuffers(64)
  const first = buffers.take()
  expect(buffers.take().buffer).not.toBe(first.buffer)
  buffers.recycle(buffers.lend(first, 10))
  expect(buffers.take().buffer).toBe(first.buffer)
})

it('waiting buffers take at most 4 MiB', () => {
  const MIB = 1024 * 1024
  const buffers = new ReadBuffers(MIB)
  const taken = Array.from({ length: 10 }, () => buffers.take())
  for (const buffer of taken) buffers.recycle(buffers.lend(buffer, 5))
  const again = new Set(Array.from({ length: 10 }, () => buffers.take().buffer))
  expect(taken.filter(({ buffer }) => again.has(buffer))).toHaveLength(4)
})

it('a buffer whose reader transferred it after giving it back is not used again', () => {
  const buffers = new ReadBuffers(64)
  const chunk = buffers.lend(buffers.take(), 64)
  buffers.recycle(chunk)
  structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] })
  expect(buffers.take().byteLength).toBe(64)
})
