import { CseError } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { CliError } from '../base/cli-error.ts'
import { EXIT, EXIT_CODE_HELP, exitCodeOf, kindOf } from './exit-codes.ts'

describe('exit codes', () => {
  test.each([
    ['ERR_CSE_INVALID_ARGUMENT', 2],
    ['ERR_CSE_RANGE_NOT_SATISFIABLE', 2],
    ['ERR_CSE_METADATA_TOO_LARGE', 2],
    ['ERR_CSE_INVALID_KEY', 3],
    ['ERR_CSE_PASSPHRASE', 3],
    ['ERR_CSE_WRONG_REGION', 3],
    ['ERR_CSE_NOT_FOUND', 4],
    ['ERR_CSE_ACCESS_DENIED', 5],
    ['ERR_CSE_CLOCK_SKEW', 5],
    ['ERR_CSE_CONTENT_KEY_REUSED', 5],
    ['ERR_CSE_CREDENTIALS_EXPIRED', 5],
    ['ERR_CSE_MASTER_KEY_DISABLED', 5],
    ['ERR_CSE_MASTER_KEY_NOT_FOUND', 5],
    ['ERR_CSE_THROTTLED', 5],
    ['ERR_CSE_NETWORK', 5],
    ['ERR_CSE_SERVICE', 5],
    ['ERR_CSE_TIMEOUT', 5],
    ['ERR_CSE_PRECONDITION_FAILED', 5],
    ['ERR_CSE_AUTHENTICATION_FAILED', 6],
    ['ERR_CSE_CANNOT_UNWRAP', 6],
    ['ERR_CSE_ENVELOPE_DAMAGED', 6],
    ['ERR_CSE_INTEGRITY', 6],
    ['ERR_CSE_NOT_ENCRYPTED', 6],
    ['ERR_CSE_NOT_SEALED', 6],
    ['ERR_CSE_NO_MATCHING_KEY', 6],
    ['ERR_CSE_UNSUPPORTED_ALGORITHM', 6],
    ['ERR_CSE_UNWRAP_FAILED', 6],
    ['ERR_CSE_SOURCE', 1],
    ['ERR_CSE_SOURCE_CHANGED', 1],
    ['ERR_CSE_FILE', 1],
    ['ERR_CSE_CHECKPOINT', 3],
    ['ERR_CSE_CHECKPOINT_IN_USE', 1],
  ] as const)('%s exits %i', (code, exit) => {
    expect(exitCodeOf(new CseError(code, 'x'))).toBe(exit)
  })

  test.each([
    ['EACCES', 3],
    ['EROFS', 3],
    ['ENOENT', 3],
    ['ENOTDIR', 3],
    ['EMFILE', 1],
    ['ENFILE', 1],
    ['ENOSPC', 1],
    ['EDQUOT', 1],
    ['EIO', 1],
  ])('a checkpoint that fails with %s exits %i', (code, exit) => {
    const cause = Object.assign(new Error(code), { code })
    expect(exitCodeOf(new CseError('ERR_CSE_CHECKPOINT', 'x', { cause }))).toBe(exit)
  })

  test('an error that reports another one has its exit code', () => {
    const codes = ['ERR_CSE_INVALID_ARGUMENT', 'ERR_CSE_INVALID_KEY', 'ERR_CSE_NOT_FOUND'] as const
    const more = ['ERR_CSE_NETWORK', 'ERR_CSE_AUTHENTICATION_FAILED', 'ERR_CSE_FILE'] as const
    for (const error of [...codes, ...more].map((code) => new CseError(code, 'x')))
      expect(exitCodeOf(new CliError(kindOf(error), 'y'))).toBe(exitCodeOf(error))
  })

  test("the command line's own errors exit by their kind, anything else with 1", () => {
    expect(exitCodeOf(new CliError('configuration', 'x'))).toBe(3)
    expect(exitCodeOf(new CliError('notFound', 'x'))).toBe(4)
    expect(exitCodeOf(new Error('x'))).toBe(1)
    expect(exitCodeOf('x')).toBe(1)
    expect(exitCodeOf(new CseError('constructor' as never, 'x'))).toBe(1)
  })

  test('--help explains each of them', () => {
    for (const code of Object.values(EXIT)) expect(EXIT_CODE_HELP).toMatch(new RegExp(`^ {2}${code} `, 'm'))
  })
})
