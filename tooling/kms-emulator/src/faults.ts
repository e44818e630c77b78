/**
 * The kind of a fault. Only properly signed requests get a fault, and their nonce is then used up.
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
 * - `reset`: the connection is reset, without a response.
 * - `slow`: the response is delayed by `delayMs`.
 * - `stall`: the request is accepted, and there is never a response.
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

/** A fault for the next matching request. */
export interface FaultInjection {
  readonly kind: FaultKind
  /** The operation, such as `Decrypt`. Default: any. */
  readonly action?: string
  /** The delay of `slow` in milliseconds. Default 250. */
  readonly delayMs?: number
  /** The number of requests that fail. Default 1. */
  readonly count?: number
}

const DEFAULT_DELAY_MS = 250

/** The fault of one request. */
export interface Fault {
  readonly kind: FaultKind
  readonly delayMs: number
}

/** Decides which requests fail, and how. Injections are tried in their order. */
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
