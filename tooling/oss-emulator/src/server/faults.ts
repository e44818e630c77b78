import { createHash } from 'node:crypto'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/**
 * What can go wrong with one request.
 *
 * - `status-500`, `status-503`: an error response; the operation does not run.
 * - `status`: a response with `status` and an error document with `code`. Without `code` the response has no body,
 *   like that of a proxy.
 * - `reset-before`: the connection is reset before the body is read.
 * - `reset-during-request`: the connection is reset after `afterBytes` of the request body; nothing is stored.
 * - `reset-after`: the operation runs and its result is stored, but the connection is reset instead of a response.
 * - `reset-during-response`: the connection is reset after `afterBytes` of the response body.
 * - `truncate-response`: the connection ends cleanly after `afterBytes` of the response body.
 * - `slow`: the response is delayed by `delayMs`.
 * - `stall`: the request is read and never gets a response.
 * - `wrong-crc`: the `x-oss-hash-crc64ecma` of the response is wrong.
 * - `corrupt-body`: one bit of the byte at `afterBytes` of a successful response body is flipped.
 */
export type FaultKind =
  | 'reset-before'
  | 'reset-during-request'
  | 'reset-after'
  | 'reset-during-response'
  | 'truncate-response'
  | 'slow'
  | 'status-500'
  | 'status-503'
  | 'status'
  | 'wrong-crc'
  | 'corrupt-body'
  | 'stall'

/** Random faults. The same sequence of requests gets the same faults. */
export interface RandomFaults {
  /** The share of requests that fail, 0 to 1. */
  readonly rate: number
  /** Any integer. */
  readonly seed: number
  /** The kinds to draw from. Default: every kind that a client can notice and retry. */
  readonly kinds?: readonly FaultKind[]
  /** The delay of a `slow` response, in milliseconds. Default 250. */
  readonly slowMs?: number
}

/** A fault for the next matching request. */
export interface FaultInjection {
  readonly kind: FaultKind
  /** The HTTP method. Default: any. */
  readonly method?: string
  /** The object's key. Default: any. */
  readonly key?: string
  /** Only this part of a multipart upload. Default: any request. */
  readonly partNumber?: number
  /** The number of body bytes before the fault. Default: half of the body. */
  readonly afterBytes?: number
  /** For `slow`, in milliseconds. Default 250. */
  readonly delayMs?: number
  /** For `status`. Default 502. */
  readonly status?: number
  /** For `status`: the `Code` of the error document. */
  readonly code?: string
  /** For `status` and `status-503`: the `x-oss-qos-delay-time` of the response, in milliseconds. Default: none. */
  readonly qosDelayMs?: number
  /** How many requests fail. Default 1. */
  readonly count?: number
}

/** The fault that hits one request. */
export interface Fault {
  readonly kind: FaultKind
  readonly afterBytes: number | undefined
  readonly delayMs: number
  /** For `status`. */
  readonly status?: number | undefined
  readonly code?: string | undefined
  /** For `status` and `status-503`. */
  readonly qosDelayMs?: number | undefined
}

/** The properties of a request that select its fault. */
export interface FaultSubject {
  readonly method: string
  readonly path: string
  /** The key of each possible location of the request. */
  readonly keys: readonly string[]
  readonly partNumber: number | undefined
}

const RETRYABLE_KINDS: readonly FaultKind[] = [
  'status-503',
  'reset-before',
  'reset-during-request',
  'reset-after',
  'reset-during-response',
  'truncate-response',
  'slow',
]
const DEFAULT_DELAY_MS = 250
const RESOLUTION = 0x7fffffff

/** Decides which requests fail, and how. */
export class FaultPlan {
  readonly #random: RandomFaults | undefined
  readonly #seen = new Map<string, number>()
  #injected: { readonly injection: FaultInjection; left: number }[] = []

  constructor(random: RandomFaults | undefined) {
    this.#random = random
  }

  inject(injection: FaultInjection): void {
    this.#injected.push({ injection, left: injection.count ?? 1 })
  }

  clear(): void {
    this.#injected = []
  }

  next(subject: FaultSubject): Fault | undefined {
    const entry = this.#injected.find(({ injection }) => fits(injection, subject))
    if (entry === undefined) return this.#randomFault(subject)
    entry.left--
    if (entry.left <= 0) this.#injected = this.#injected.filter((other) => other !== entry)
    const { kind, afterBytes, delayMs = DEFAULT_DELAY_MS, status, code, qosDelayMs } = entry.injection
    return { kind, afterBytes, delayMs, status, code, qosDelayMs }
  }

  /**
   * Seeds a generator with the seed, the request and how often that request came before. One running generator
   * would make the faults of parallel requests depend on the order of their arrival.
   */
  #randomFault(subject: FaultSubject): Fault | undefined {
    if (this.#random === undefined || this.#random.rate <= 0) return undefined
    const name = `${subject.method} ${subject.path} ${subject.partNumber ?? ''}`
    const occurrence = (this.#seen.get(name) ?? 0) + 1
    this.#seen.set(name, occurrence)
    const digest = createHash('sha256').update(`${this.#random.seed} ${occurrence} ${name}`).digest()
    const generator = xoroshiro128plus(digest.readInt32BE(0))
    if (uniformInt(generator, 0, RESOLUTION - 1) >= this.#random.rate * RESOLUTION) return undefined
    const kinds = this.#random.kinds ?? RETRYABLE_KINDS
    const kind = kinds[uniformInt(generator, 0, kinds.length - 1)]
    if (kind === undefined) return undefined
    return { kind, afterBytes: undefined, delayMs: this.#random.slowMs ?? DEFAULT_DELAY_MS }
  }
}

function fits(injection: FaultInjection, subject: FaultSubject): boolean {
  return (
    (injection.method === undefined || injection.method.toUpperCase() === subject.method) &&
    (injection.key === undefined || subject.keys.includes(injection.key)) &&
    (injection.partNumber === undefined || injection.partNumber === subject.partNumber)
  )
}
