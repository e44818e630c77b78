import { expect, it } from 'vitest'
import { serviceTime } from './service-time.ts'

it('a time in XML has whole seconds followed by .000, which oss2 requires', () => {
  expect(serviceTime(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)))).toBe('2026-01-02T03:04:05.000Z')
})
