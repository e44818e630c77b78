import { CseError, type CseErrorCode } from '../errors.ts'

/** One rule of a contract. Register `run` under `name` with any test runner. */
export interface ContractCase {
  readonly name: string
  run(): Promise<void>
}

/** Fails the case unless the condition holds. */
export function expectThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`Contract broken: ${what}`)
}

/** Fails the case unless two runs of bytes are equal. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  expectThat(
    actual.length === expected.length,
    `${what}: ${actual.length} bytes, expected ${expected.length}`,
  )
  const at = actual.findIndex((byte, index) => byte !== expected[index])
  expectThat(at === -1, `${what}: the bytes differ at ${at}`)
}

/** Fails the case unless the promise rejects with the code. Returns the error for further checks. */
export async function expectCode(
  promise: Promise<unknown>,
  code: CseErrorCode,
  what: string,
): Promise<CseError> {
  const error = await rejection(promise, what)
  expectThat(CseError.isInstance(error), `${what}: rejected with ${String(error)}, not with a CseError`)
  expectThat(error.code === code, `${what}: code ${error.code}, expected ${code}`)
  return error
}

/** Fails the case unless the promise rejects. Returns the reason. */
export async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error(`Contract broken: ${what}: it resolved`)
}
