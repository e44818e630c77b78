import { expect, test } from 'vitest'
import { variable } from './cli-environment.ts'

test('an environment variable that every object would have is not set', () => {
  expect(variable({ env: { A: 'a', B: '' } }, 'A')).toBe('a')
  for (const name of ['B', 'constructor', '__proto__', 'toString']) {
    expect(variable({ env: { A: 'a', B: '' } }, name)).toBeUndefined()
  }
})
