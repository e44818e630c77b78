import { describe, expect, test } from 'vitest'
import { settle } from '../../test/multipart.ts'
import { inParallel } from './in-parallel.ts'

/** Work that the test ends item by item. */
function heldWork() {
  const begun: number[] = []
  const signals = new Map<number, AbortSignal>()
  const ends = new Map<number, { resolve(): void; reject(error: unknown): void }>()
  const work = (item: number, signal: AbortSignal): Promise<void> => {
    begun.push(item)
    signals.set(item, signal)
    return new Promise((resolve, reject) => ends.set(item, { resolve, reject }))
  }
  return { begun, signals, ends, work }
}

describe('work in parallel', () => {
  test.each([1, 2, 3, 7, 100])(
    'is never on more than %i items at once, and reaches that number',
    async (n) => {
      let now = 0
      let most = 0
      const seen: number[] = []
      const items = Array.from({ length: 20 }, (_, index) => index)
      await inParallel(items, n, undefined, async (item) => {
        seen.push(item)
        most = Math.max(most, ++now)
        for (let i = 0; i < (item * 7) % 11; i++) await Promise.resolve()
        await settle()
        now -= 1
      })
      expect(most).toBe(Math.min(n, items.length))
      expect(seen).toEqual(items)
    },
  )

  test('on nothing ends at once', async () => {
    await inParallel([], 3, undefined, () => Promise.reject(new Error('no work')))
  })

  test('takes an item only when it can start it', async () => {
    const { begun, ends, work } = heldWork()
    let taken = 0
    function* items(): Generator<number> {
      for (let item = 0; item < 4; item++) {
        taken += 1
        yield item
      }
    }
    const running = inParallel(items(), 2, undefined, work)
    expect(taken).toBe(2)
    ends.get(1)?.resolve()
    await settle()
    expect([taken, ...begun]).toEqual([3, 0, 1, 2])
    for (const item of [0, 2]) ends.get(item)?.resolve()
    await settle()
    ends.get(3)?.resolve()
    await running
  })

  test('starts nothing after a failure, signals the others, waits for them, and rejects with the first failure', async () => {
    const { begun, signals, ends, work } = heldWork()
    let ended = false
    const running = inParallel([0, 1, 2, 3, 4], 3, undefined, work).finally(() => {
      ended = true
    })
    running.catch(() => {})
    const first = new Error('first')
    ends.get(1)?.reject(first)
    await settle()
    expect(signals.get(0)?.reason).toBe(first)
    expect(signals.get(2)?.reason).toBe(first)
    ends.get(0)?.reject(new Error('second'))
    await settle()
    expect(ended).toBe(false)
    ends.get(2)?.resolve()
    await expect(running).rejects.toBe(first)
    expect(begun).toEqual([0, 1, 2])
  })

  test('that throws before its first wait is a failure like any other', async () => {
    const failure = new Error('at once')
    const seen: number[] = []
    const running = inParallel([0, 1, 2], 2, undefined, (item) => {
      seen.push(item)
      throw failure
    })
    await expect(running).rejects.toBe(failure)
    expect(seen).toEqual([0])
  })

  test('that fails with undefined fails too', async () => {
    const failed = inParallel([0], 2, undefined, () => Promise.reject(undefined)).then(
      () => false,
      () => true,
    )
    expect(await failed).toBe(true)
  })

  test('waits for running items even if the iterable fails', async () => {
    const { ends, work } = heldWork()
    let ended = false
    const failure = new Error('no further item')
    function* items(): Generator<number> {
      yield 0
      throw failure
    }
    const running = inParallel(items(), 2, undefined, work).finally(() => {
      ended = true
    })
    running.catch(() => {})
    await settle()
    expect(ended).toBe(false)
    ends.get(0)?.resolve()
    await expect(running).rejects.toBe(failure)
  })

  test('that was aborted before starts nothing', async () => {
    const reason = new Error('stop')
    const { begun, work } = heldWork()
    await expect(inParallel([0], 1, AbortSignal.abort(reason), work)).rejects.toBe(reason)
    expect(begun).toEqual([])
  })

  test('that is aborted signals every item, waits for them, and rejects with the reason', async () => {
    const reason = new Error('stop')
    const controller = new AbortController()
    const { begun, signals, ends, work } = heldWork()
    const running = inParallel([0, 1, 2], 2, controller.signal, work)
    running.catch(() => {})
    controller.abort(reason)
    expect([0, 1].map((item) => signals.get(item)?.reason)).toEqual([reason, reason])
    ends.get(0)?.resolve()
    ends.get(1)?.reject(new Error('because of the abort'))
    await expect(running).rejects.toBe(reason)
    expect(begun).toEqual([0, 1])
  })

  test('leaves no listener on the caller’s signal', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...parameters: Parameters<typeof addEventListener>) => {
      listeners += 1
      addEventListener.apply(signal, parameters)
    }
    signal.removeEventListener = (...parameters: Parameters<typeof removeEventListener>) => {
      listeners -= 1
      removeEventListener.apply(signal, parameters)
    }
    await inParallel([0, 1, 2], 2, signal, async () => {})
    await inParallel([0], 2, signal, () => Promise.reject(new Error('fails'))).catch(() => {})
    expect(listeners).toBe(0)
  })
})
