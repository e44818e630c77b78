import { createHash } from 'node:crypto'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/**
 * What can go wrong with one request.
 *
 * - `status-500`, `status-503`: an error answer; nothing is done.
 * - `status`: an answer with `status`, and `code` in an error document; without `code` it has none, as that of a proxy.
 * - `reset-before`: the connection is reset before the body is read.
 * - `reset-during-request`: reset after `afterBytes` of the request body; nothing is stored.
 * - `reset-after`: the operation is done, and stored, but the connection is reset instead of an answer.
 * - `reset-during-response`: reset after `afterBytes` of the answer's body.
 * - `truncate-response`: the connection ends cleanly after `afterBytes` of the answer's body.
 * - `slow`: the answer waits `delayMs`.
 * - `stall`: the request is taken and never answered.
 * - `wrong-crc`: the answer's `x-oss-hash-crc64ecma` is wrong.
 * - `corrupt-body`: the bit at `afterBytes` of a successful answer's body is flipped.
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

/** Faults at random, the same for the same sequence of requests. */
export interface RandomFaults {
  /** The share of requests that fail, 0 to 1. */
  readonly rate: number
  /** Any integer. */
  readonly seed: number
  /** What may happen; by default everything that a client can notice and retry. */
  readonly kinds?: readonly FaultKind[]
  /** How long a `slow` answer waits, in milliseconds. Default 250. */
  readonly slowMs?: number
}

/** A fault for the next request that fits. */
export interface FaultInjection {
  readonly kind: FaultKind
  /** The HTTP method; any when absent. */
  readonly method?: string
  /** The object's key; any when absent. */
  readonly key?: string
  /** Only this part of a multipart upload. */
  readonly partNumber?: number
  /** After how many bytes of the body; the half of it when absent. */
  readonly afterBytes?: number
  /** For `slow`; default 250. */
  readonly delayMs?: number
  /** For `status`; default 502. */
  readonly status?: number
  /** For `status`: the `Code` of the error document. */
  readonly code?: string
  /** How many requests fail; default 1. */
  readonly count?: number
}

/** The fault that one request gets. */
export interface Fault {
  readonly kind: FaultKind
  readonly afterBytes: number | undefined
  readonly delayMs: number
  /** Of `status`. */
  readonly status?: number | undefined
  readonly code?: string | undefined
}

/** What a fault is chosen by. */
export interface FaultSubject {
  readonly method: string
  readonly path: string
  /** Every reading of the request's key. */
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
    const { kind, afterBytes, delayMs = DEFAULT_DELAY_MS, status, code } = entry.injection
    return { kind, afterBytes, delayMs, status, code }
  }

  /**
   * Draws from the seed, the request and how often that request came before, not from one running generator:
   * so requests that run in parallel fail alike whatever order they arrive in.
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
