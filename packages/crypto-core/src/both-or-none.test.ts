import { expect, test } from 'vitest'
import { bothOrNone } from './both-or-none.ts'
import { TransportError, unwrapFailed } from './errors.ts'

const down = new TransportError('ERR_CSE_NETWORK', 'down', { retryable: false })
const mismatch = async (): Promise<never> => {
  throw unwrapFailed()
}
const later = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await undefined
}

test('both calls start before either is awaited', async () => {
  let arrived = 0
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const call = async (): Promise<number> => {
    if (++arrived === 2) open()
    await gate
    return arrived
  }
  await expect(bothOrNone(undefined, call, call)).resolves.toEqual([2, 2])
})

test('a failure of the service takes precedence over a mismatch, in either order', async () => {
  const failing = async (): Promise<never> => {
    await later()
    throw down
  }
  await expect(bothOrNone(undefined, mismatch, failing)).rejects.toBe(down)
  await expect(bothOrNone(undefined, failing, mismatch)).rejects.toBe(down)
})

test('a mismatch does not abort the other call; a failure does, even if that call ignores its signal', async () => {
  const signals: AbortSignal[] = []
  const watching = async (signal: AbortSignal): Promise<string> => {
    signals.push(signal)
    await later()
    return 'answer'
  }
  await expect(bothOrNone(undefined, mismatch, watching)).rejects.toMatchObject({
    code: 'ERR_CSE_UNWRAP_FAILED',
  })
  expect(signals[0]?.aborted).toBe(false)
  const deaf = (signal: AbortSignal): Promise<never> => {
    signals.push(signal)
    return new Promise(() => {})
  }
  await expect(bothOrNone(undefined, deaf, async () => Promise.reject(down))).rejects.toBe(down)
  expect(signals[1]?.reason).toBe(down)
})

test('an abort rejects with its reason, whatever the calls throw', async () => {
  const controller = new AbortController()
  const call = async (signal: AbortSignal): Promise<never> => {
    controller.abort('stop')
    await later()
    throw signal.aborted ? down : unwrapFailed()
  }
  await expect(bothOrNone(controller.signal, call, call)).rejects.toBe('stop')
})
