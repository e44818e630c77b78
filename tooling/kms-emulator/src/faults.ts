/**
 * What can go wrong with one request. Only requests that are properly signed fail; their
 * nonce is then used up.
 *
 * - `throttle`: `Throttling.User`.
 * - `rejected-throttling`: `Rejected.Throttling`, with status 429.
 * - `status-500`: `InternalFailure`.
 * - `status-503`: `ServiceUnavailableTemporary`.
 * - `no-permission`: `Forbidden.NoPermission`.
 * - `clock-skew`: `InvalidTimeStamp.Expired`, whatever the time.
 * - `html-502`: the HTML page of a gateway.
 * - `empty-answer`: `{}` with status 200.
 * - `malformed-answer`: status 200 and fields of the wrong types.
 * - `reset`: the connection is reset instead of an answer.
 * - `slow`: the answer waits `delayMs`.
 * - `stall`: the request is taken and never answered.
 */
export type FaultKind =
  | 'throttle'
  | 'rejected-throttling'
  | 'status-500'
  | 'status-503'
  | 'no-permission'
  | 'clock-skew'
  | 'html-502'
  | 'empty-answer'
  | 'malformed-answer'
  | 'reset'
  | 'slow'
  | 'stall'

/** A fault for the next request that fits. */
export interface FaultInjection {
  readonly kind: FaultKind
  /** The operation, such as `Decrypt`; any when absent. */
  readonly action?: string
  /** For `slow`, in milliseconds; default 250. */
  readonly delayMs?: number
  /** How many requests fail; default 1. */
  readonly count?: number
}

const DEFAULT_DELAY_MS = 250

/** The fault that one request gets. */
export interface Fault {
  readonly kind: FaultKind
  readonly delayMs: number
}

/** Decides which requests fail, and how. Injections are tried in the order they were made. */
export class FaultPlan {
  #injected: { readonly injection: FaultInjection; left: number }[] = []

  inject(injection: FaultInjection): void {
    this.#injected.push({ injection, left: injection.count ?? 1 })
  }

  next(action: string | undefined): Fault | undefined {
    const entry = this.#injected.find(
      ({ injection }) => injection.action === undefined || injection.action === action,
    )
    if (entry === undefined) return undefined
    entry.left--
    if (entry.left <= 0) this.#injected = this.#injected.filter((other) => other !== entry)
    return { kind: entry.injection.kind, delayMs: entry.injection.delayMs ?? DEFAULT_DELAY_MS }
  }
}
