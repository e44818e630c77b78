import { expect, test } from 'vitest'
import { bothOrNone } from './both-or-none.ts'
import { TransportError, unwrapFailed } from './errors.ts'

const down = new TransportError('ERR_CSE_NETWORK', 'down', { retryable: false })
const misfit = async (): Promise<never> => {
  throw unwrapFailed()
}
const later = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await undefined
}

test('both are under way before either is waited for', async () => {
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

test('a failure of the service comes before a misfit, in whichever order they come', async () => {
  const failing = async (): Promise<never> => {
    await later()
    throw down
  }
  await expect(bothOrNone(undefined, misfit, failing)).rejects.toBe(down)
  await expect(bothOrNone(undefined, failing, misfit)).rejects.toBe(down)
})

test('a misfit does not end the other call; a failure does, also where the call looks at no signal', async () => {
  const signals: AbortSignal[] = []
  const watching = async (signal: AbortSignal): Promise<string> => {
    signals.push(signal)
    await later()
    return 'answer'
  }
  await expect(bothOrNone(undefined, misfit, watching)).rejects.toMatchObject({
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

test('an abort is told by its reason, whatever the calls make of it', async () => {
  const controller = new AbortController()
  const call = async (signal: AbortSignal): Promise<never> => {
    controller.abort('stop')
    await later()
    throw signal.aborted ? down : unwrapFailed()
  }
  await expect(bothOrNone(controller.signal, call, call)).rejects.toBe('stop')
})
