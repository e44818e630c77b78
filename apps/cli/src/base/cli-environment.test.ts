import { expect, test } from 'vitest'
import { variable } from './cli-environment.ts'

test('the name of a property that every object has is not a set variable', () => {
  expect(variable({ env: { A: 'a', B: '' } }, 'A')).toBe('a')
  for (const name of ['B', 'constructor', '__proto__', 'toString']) {
    expect(variable({ env: { A: 'a', B: '' } }, name)).toBeUndefined()
  }
})
