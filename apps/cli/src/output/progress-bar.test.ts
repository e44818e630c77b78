import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { startProgress } from './progress-bar.ts'

/** A terminal that keeps what is drawn on it, and a bar there. */
async function barOn(columns: number) {
  const stderr = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns })
  const bar = await startProgress({ stderr } as unknown as CliEnvironment, {}, 'put')
  return { stderr, bar, drawn: () => String(stderr.read() ?? '') }
}

/** What was drawn, with the escape character in a form that can be read. */
const visible = (drawn: string): string => drawn.replaceAll('\u001b', '^')
const texts = (drawn: string): string[] =>
  visible(drawn)
    .split(/\^\[[0-9?]*[A-Za-z]/)
    .filter((text) => text.trim() !== '')

afterEach(() => {
  vi.useRealTimers()
})

describe('the progress bar', () => {
  test('fits the current width of the terminal whenever it is drawn', async () => {
    const { stderr, bar, drawn } = await barOn(120)
    bar.listener({ transferredBytes: 1e6, totalBytes: 1e9, partsDone: 1, partCount: 100 })
    const widths = [120, 60, 30, 15, 90].map((columns) => {
      stderr.columns = columns
      drawn()
      bar.print('x\n')
      const lines = texts(drawn())
      expect(lines).toHaveLength(2)
      return lines.at(-1)?.length ?? 0
    })
    bar.stop()
    for (const [index, columns] of [120, 60, 30, 15, 90].entries()) {
      expect(widths[index]).toBeLessThan(columns)
      expect(widths[index]).toBeGreaterThan(columns / 3)
    }
  })

  test('makes room for a message, and is drawn again below it', async () => {
    const { bar, drawn } = await barOn(80)
    drawn()
    bar.print('something happened\n')
    bar.stop()
    expect(visible(drawn())).toMatch(/^\^\[1G\^\[2Ksomething happened\n\^\[1Gput [^\n]*\^\[0K/)
  })

  test('counts only the bytes of this run in its rate', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { bar, drawn } = await barOn(120)
    const parts = { totalBytes: 1e9, resumedBytes: 9e8, partsDone: 9, partCount: 10 }
    bar.listener({ ...parts, transferredBytes: 9e8 + 2048 })
    vi.advanceTimersByTime(1000)
    drawn()
    bar.print('\n')
    bar.stop()
    expect(drawn()).toContain(' 2.0 KiB/s  ')
  })

  test('leaves nothing of itself', async () => {
    const { bar, drawn } = await barOn(80)
    drawn()
    bar.stop()
    expect(visible(drawn())).toBe('^[1G^[0J')
  })
})
