import type { CseErrorCode } from '../errors.ts'
import { type ContractCase, expectCode, expectThat } from './expect.ts'

/** An unsuccessful response of the service. */
export interface ServiceFailure {
  readonly status: number
  /** The `Code` of its error document. Absent for a response without a document, such as that of a proxy. */
  readonly serviceCode?: string
}

/** Failures of the service, with their code and whether they are retryable. */
const FAILURES: readonly (readonly [failure: ServiceFailure, code: CseErrorCode, retryable: boolean])[] = [
  [{ status: 400 }, 'ERR_CSE_SERVICE', false],
  [{ status: 403 }, 'ERR_CSE_ACCESS_DENIED', false],
  [{ status: 404 }, 'ERR_CSE_NOT_FOUND', false],
  [{ status: 408 }, 'ERR_CSE_TIMEOUT', true],
  [{ status: 409 }, 'ERR_CSE_SERVICE', false],
  [{ status: 412 }, 'ERR_CSE_PRECONDITION_FAILED', false],
  [{ status: 425 }, 'ERR_CSE_SERVICE', false],
  [{ status: 429 }, 'ERR_CSE_THROTTLED', true],
  [{ status: 500 }, 'ERR_CSE_SERVICE', true],
  [{ status: 501 }, 'ERR_CSE_SERVICE', false],
  [{ status: 502 }, 'ERR_CSE_SERVICE', true],
  [{ status: 503 }, 'ERR_CSE_THROTTLED', true],
  [{ status: 504 }, 'ERR_CSE_SERVICE', true],
  [{ status: 505 }, 'ERR_CSE_SERVICE', false],
  [{ status: 400, serviceCode: 'RequestTimeout' }, 'ERR_CSE_TIMEOUT', true],
  [{ status: 400, serviceCode: 'InvalidArgument' }, 'ERR_CSE_SERVICE', false],
  [{ status: 403, serviceCode: 'RequestTimeTooSkewed' }, 'ERR_CSE_CLOCK_SKEW', false],
  [{ status: 403, serviceCode: 'QpsLimitExceeded' }, 'ERR_CSE_THROTTLED', true],
  [{ status: 500, serviceCode: 'NoSuchKey' }, 'ERR_CSE_NOT_FOUND', false],
]

/**
 * Returns the rule that a transport judges each failure like `judgeFailure`.
 *
 * @param name - the rule's name
 * @param prepare - returns a function that sends a request
 * @param failNext - makes the next request fail with this response
 */
export function failureRule(
  name: string,
  prepare: () => Promise<() => Promise<unknown>>,
  failNext: (failure: ServiceFailure) => void | Promise<void>,
): ContractCase {
  return {
    name,
    async run() {
      const send = await prepare()
      for (const [failure, code, retryable] of FAILURES) {
        await failNext(failure)
        const what = `${failure.status} ${failure.serviceCode ?? 'without a document'}`
        const error = await expectCode(send(), code, what)
        expectThat(
          'retryable' in error && error.retryable === retryable,
          `${what}: retryable is ${retryable}`,
        )
        expectThat('status' in error && error.status === failure.status, `${what}: the status`)
      }
    },
  }
}
