import { TransportError } from '@oss-cse/crypto-core'

/** What happens around a call of a worker. */
export interface CallHooks {
  /** Called with the number of the call, from 1, before it happens. If it throws, the call fails and has no effect. */
  before?(call: number): void | Promise<void>
  /** Called after it. If it throws, the call fails, although it had its effect. */
  after?(call: number): void | Promise<void>
}

/** The calls of one worker, on all of its ports: once it has died, none of them has an effect. */
export class MortalWorker {
  readonly #hooks: CallHooks
  #calls = 0
  #dead = false

  constructor(hooks: CallHooks = {}) {
    this.#hooks = hooks
  }

  /** How many calls there were. */
  get calls(): number {
    return this.#calls
  }

  /** Ends the worker at this call. */
  die(): never {
    this.#dead = true
    throw dead()
  }

  /** Returns a port that this worker uses. */
  port<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          if (this.#dead) throw dead()
          this.#calls += 1
          const call = this.#calls
          await this.#hooks.before?.(call)
          const result: unknown = await value.apply(target, args)
          await this.#hooks.after?.(call)
          if (this.#dead) throw dead()
          return result
        }
      },
    })
  }
}

/** A failure that may have had its effect, and that is retried. */
export function brokenConnection(): TransportError {
  return new TransportError('ERR_CSE_NETWORK', 'The connection broke.', { retryable: true })
}

function dead(): TransportError {
  return new TransportError('ERR_CSE_NETWORK', 'The worker is dead.', { retryable: false })
}
