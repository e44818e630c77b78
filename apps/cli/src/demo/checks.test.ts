import { PassThrough } from 'node:stream'
import { CseError } from '@oss-cse/crypto-core'
import { expect, test } from 'vitest'
import { Checks } from './checks.ts'
import { Screen } from './screen.ts'

function checksOn(colour = false): { readonly checks: Checks; readonly printed: () => string } {
  const out = new PassThrough({ encoding: 'utf8' })
  return { checks: new Checks(new Screen(out, colour)), printed: () => String(out.read() ?? '') }
}

const unwrapFails = async (): Promise<never> => {
  throw new CseError('ERR_CSE_UNWRAP_FAILED', 'It is another key.')
}

test('a claim that holds is ticked and counted', () => {
  const { checks, printed } = checksOn()
  checks.that(true, 'Equal')
  checks.limit(true, 'Not noticed')
  expect(printed()).toBe('   ✓ Equal\n   ! Not noticed\n')
  expect([checks.count, checks.failures]).toEqual([2, []])
})

test('a claim that does not hold is crossed and remembered', () => {
  const { checks, printed } = checksOn()
  checks.that(false, 'Equal')
  checks.limit(false, 'Not noticed')
  expect(printed()).toBe('   ✗ Equal\n   ✗ Not noticed (not as described)\n')
  expect([checks.count, checks.failures]).toEqual([2, ['Equal', 'Not noticed (not as described)']])
})

test('a refusal with the right code is ticked and its error shown', async () => {
  const { checks, printed } = checksOn()
  await checks.refused('Refused', 'ERR_CSE_UNWRAP_FAILED', unwrapFails)
  expect(printed()).toBe('   ✓ Refused\n     ERR_CSE_UNWRAP_FAILED\n     It is another key.\n')
  expect([checks.count, checks.failures]).toEqual([1, []])
})

test.each([
  ['another code', unwrapFails, 'ERR_CSE_UNWRAP_FAILED (It is another key.)'],
  ['an error of another kind', async () => Promise.reject(new TypeError('broken')), 'broken'],
  ['success', async () => new Uint8Array(), 'nothing was refused'],
])('%s is a failure that says what happened', async (_case, attempt, happened) => {
  const { checks } = checksOn()
  await checks.refused('Refused', 'ERR_CSE_INTEGRITY', attempt)
  expect([checks.count, checks.failures]).toEqual([1, [`Refused: ${happened} instead of ERR_CSE_INTEGRITY`]])
})

test('a step that stopped is a failure', () => {
  const { checks } = checksOn()
  checks.stopped('Uploading', new Error('no disk'))
  expect(checks.failures).toEqual(['Uploading: no disk'])
})

test('without colour no escape sequence is written, and with colour a failure is red', () => {
  const plain = checksOn()
  plain.checks.that(false, 'Equal')
  expect(plain.printed()).not.toContain('\u001b')
  const coloured = checksOn(true)
  coloured.checks.that(false, 'Equal')
  expect(coloured.printed()).toContain('\u001b[31mEqual')
})
