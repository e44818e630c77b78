import { describe, expect, test } from 'vitest'
import { inOrder } from './in-order.ts'

async function* numbers(count: number, seen: number[] = []): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) {
    seen.push(i)
    yield i
  }
}

/** Work that is done when the test says so. */
function controlled() {
  const finish = new Map<number, () => void>()
  const work = (item: number): Promise<number> =>
    new Promise((resolve) => finish.set(item, () => resolve(item * 10)))
  return { finish, work }
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

describe('inOrder', () => {
  test.each([1, 3, 10])('returns every result in the order of the items, %i at a time', async (atOnce) => {
    const results: number[] = []
    let running = 0
    let most = 0
    const work = async (item: number): Promise<number> => {
      most = Math.max(most, ++running)
      // The later ones end first.
      for (let i = 0; i < 20 - item; i++) await Promise.resolve()
      running--
      return item
    }
    for await (const result of inOrder(numbers(7), atOnce, work)) results.push(result)
    expect(results).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(most).toBe(Math.min(atOnce, 7))
  })

  test('takes no further item before the first one is done', async () => {
    const seen: number[] = []
    const { finish, work } = controlled()
    const results = inOrder(numbers(1000, seen), 3, work)
    const first = results.next()
    await turns()
    expect(seen).toEqual([0, 1, 2])
    finish.get(2)?.()
    await turns()
    expect(seen).toEqual([0, 1, 2])
    finish.get(0)?.()
    expect(await first).toEqual({ done: false, value: 0 })
    finish.get(1)?.()
    await results.next()
    expect(seen).toEqual([0, 1, 2, 3])
    for (const done of finish.values()) done()
    await results.return()
  })

  test('aborts what is still running when the caller stops, or when one fails', async () => {
    for (const failing of [false, true]) {
      const aborted: number[] = []
      const work = async (item: number, signal: AbortSignal): Promise<number> => {
        if (item === 0 && failing) throw new Error('failed')
        if (item === 0) return item
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        aborted.push(item)
        throw signal.reason
      }
      const read = async (): Promise<void> => {
        for await (const _ of inOrder(numbers(9), 3, work)) break
      }
      if (failing) await expect(read()).rejects.toThrow('failed')
      else await read()
      expect(aborted).toEqual([1, 2])
    }
  })

  test('fails when the items fail', async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1
      throw new Error('no list')
    }
    const read = async (): Promise<void> => {
      for await (const _ of inOrder(broken(), 3, async (item) => item));
    }
    await expect(read()).rejects.toThrow('no list')
  })
})
