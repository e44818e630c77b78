import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ReportStore } from '../src/report/report-store.ts'
import { all, each } from './mixed-bucket.ts'

/** The rules for each report store. */
export function reportStoreContract(
  name: string,
  open: () => Promise<{ readonly store: ReportStore; result(name: string): Promise<string> }>,
  close: () => Promise<void> = async () => {},
): void {
  describe(`${name}, a report store`, () => {
    let opened: Awaited<ReturnType<typeof open>>
    const [a, b] = ['0000000007-0002', '0000000010-0001']

    beforeAll(async () => {
      opened = await open()
    })
    afterAll(close)

    test('has no parts at first', async () => {
      expect(await all(opened.store.partNames())).toEqual([])
      await expect(all(opened.store.readPart(a))).rejects.toEqual(
        expect.objectContaining({ code: 'ERR_CSE_NOT_FOUND' }),
      )
    })

    test('returns the lines of a part, and replaces them', async () => {
      const { store } = opened
      const lines = [
        '{"key":"ü😀"}',
        '{}',
        ...Array.from({ length: 3000 }, (_, i) => `line ${i} ${'é'.repeat(i % 97)}`),
      ]
      await store.writePart(b, each(['x']))
      await store.writePart(a, each(lines))
      expect(await all(store.readPart(a))).toEqual(lines)
      await store.writePart(a, each(['y']))
      expect(await all(store.readPart(a))).toEqual(['y'])
      await store.writePart(a, each([]))
      expect(await all(store.readPart(a))).toEqual([])
      expect(await all(store.partNames())).toEqual([a, b])
    })

    test('keeps the old part when the new one fails', async () => {
      const { store } = opened
      async function* lines() {
        yield 'half'
        throw new Error('lost')
      }
      await store.writePart(b, each(['whole']))
      await expect(store.writePart(b, lines())).rejects.toThrow('lost')
      expect(await all(store.readPart(b))).toEqual(['whole'])
      await expect(store.writePart('0000000099-0001', lines())).rejects.toThrow('lost')
      expect(await all(store.partNames())).toEqual([a, b])
    })

    test('keeps results beside the parts, of any length', async () => {
      const { store } = opened
      const texts = Array.from({ length: 100 }, (_, i) => `${i} ü ${'x'.repeat(100_000)}\n`)
      await store.writeResult('report.jsonl', each(texts))
      expect((await opened.result('report.jsonl')) === texts.join('')).toBe(true)
      await store.writeResult('report.jsonl', each([]))
      expect(await opened.result('report.jsonl')).toBe('')
      await store.writeResult('report.jsonl', each(['a', 'b']))
      expect(await opened.result('report.jsonl')).toBe('ab')
      expect(await all(store.partNames())).toEqual([a, b])
    })

    test('keeps the old result when the new one fails', async () => {
      const { store } = opened
      async function* chunks() {
        for (let i = 0; i < 10; i++) yield 'x'.repeat(1_000_000)
        throw new Error('lost')
      }
      await expect(store.writeResult('report.jsonl', chunks())).rejects.toThrow('lost')
      expect(await opened.result('report.jsonl')).toBe('ab')
    })

    test.each(['../x', '12', '', '0000000001', '0000000001-01', '000000000x-0001', '0000000001-00001'])(
      'refuses the name %j of a part',
      async (part) => {
        await expect(opened.store.writePart(part, each([]))).rejects.toEqual(
          expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
        )
      },
    )

    test.each(['../x', 'a/b', '', '.hidden', 'parts'])('refuses the name %j of a result', async (result) => {
      await expect(opened.store.writeResult(result, each([]))).rejects.toEqual(
        expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
      )
    })

    test('stops at once with a signal that has aborted', async () => {
      const { store } = opened
      const options = { signal: AbortSignal.abort(new Error('enough')) }
      await expect(store.writePart(b, each(['new']), options)).rejects.toThrow('enough')
      await expect(store.writeResult('report.jsonl', each(['new']), options)).rejects.toThrow('enough')
      await expect(all(store.readPart(b, options))).rejects.toThrow('enough')
      await expect(all(store.partNames(options))).rejects.toThrow('enough')
      expect(await all(store.readPart(b))).toEqual(['whole'])
    })
  })
}
