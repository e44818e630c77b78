import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { deadlineAbort, eachWithDeadline, withDeadline } from './deadline.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const never = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A signal, and the number of its listeners. */
function watchedSignal() {
  const controller = new AbortController()
  const { signal } = controller
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: [string, never]) => {
    listeners += 1
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: [string, never]) => {
    listeners -= 1
    removeEventListener.apply(signal, args)
  }
  return { signal, abort: (reason: unknown) => controller.abort(reason), listeners: () => listeners }
}

describe('a deadline', () => {
  test('ends a call when it passes, and not before', async () => {
    let ended = false
    const call = withDeadline({ deadlineMs: 1000 }, 'a', ({ signal }) => never(signal))
    call.catch(() => {
      ended = true
    })
    await vi.advanceTimersByTimeAsync(999)
    expect(ended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await expect(call).rejects.toMatchObject({ code: 'ERR_CSE_DEADLINE_EXCEEDED', objectKey: 'a' })
  })

  test.each([0, -1, 1.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY, '5', null])(
    'of %s is refused before the call begins',
    async (deadlineMs) => {
      const work = vi.fn()
      const options = { deadlineMs: deadlineMs as number }
      await expect(withDeadline(options, 'a', work)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
      await expect(eachWithDeadline(options, 'a', work).next()).rejects.toEqual(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
      expect(work).not.toHaveBeenCalled()
    },
  )

  test.each([1, 2 ** 31 - 1])('of %i is valid', async (deadlineMs) => {
    expect(await withDeadline({ deadlineMs }, 'a', async () => 'done')).toBe('done')
  })

  test('leaves no timer and no listener after a call that resolves or rejects', async () => {
    const { signal, listeners } = watchedSignal()
    await withDeadline({ deadlineMs: 1000, signal }, 'a', async () => {})
    await withDeadline({ deadlineMs: 1000, signal }, 'a', () => Promise.reject(new Error())).catch(() => {})
    for await (const _ of eachWithDeadline({ deadlineMs: 1000, signal }, 'a', async function* () {
      yield 1
      yield 2
    })) {
      break
    }
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners()).toBe(0)
  })

  test('leaves no timer and no listener when it passes without an unlink', () => {
    const { signal, listeners } = watchedSignal()
    const link = deadlineAbort({ deadlineMs: 1000, signal }, undefined)
    expect(listeners()).toBe(1)
    vi.advanceTimersByTime(1000)
    expect(link.signal.reason).toEqual(code('ERR_CSE_DEADLINE_EXCEEDED'))
    expect(listeners()).toBe(0)
  })

  test('yields to the caller’s signal if that aborts first, and clears its timer', async () => {
    const { signal, abort } = watchedSignal()
    const call = withDeadline({ deadlineMs: 1000, signal }, 'a', (options) => never(options.signal))
    const reason = new Error('enough')
    call.catch(() => {})
    abort(reason)
    expect(vi.getTimerCount()).toBe(0)
    await expect(call).rejects.toBe(reason)
  })

  test('starts no timer under an aborted signal', () => {
    const link = deadlineAbort({ deadlineMs: 1000, signal: AbortSignal.abort('why') }, undefined)
    expect(link.signal.reason).toBe('why')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('limits an iteration as a whole, even if the next item is ready', async () => {
    const items = eachWithDeadline({ deadlineMs: 1000 }, undefined, async function* () {
      yield 1
      yield 2
    })
    expect(await items.next()).toEqual({ done: false, value: 1 })
    vi.advanceTimersByTime(1000)
    await expect(items.next()).rejects.toEqual(code('ERR_CSE_DEADLINE_EXCEEDED'))
  })
})
