import { CseError, type CseErrorCode } from '@oss-cse/crypto-core'
import type { Screen } from './screen.ts'

/** Collects the claims of the demo, and prints each one with the result of its check. */
export class Checks {
  readonly #screen: Screen
  readonly #failures: string[] = []
  #count = 0

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** How many claims were checked. */
  get count(): number {
    return this.#count
  }

  /** The claims that are false. */
  get failures(): readonly string[] {
    return this.#failures
  }

  /** Records a claim and whether it holds. */
  that(holds: boolean, claim: string): void {
    const { green } = this.#screen.colours
    if (holds) this.#pass(green('✓'), claim)
    else this.#fail(claim)
  }

  /** Records a known limit, and whether the software really has it. */
  limit(isAsDescribed: boolean, claim: string): void {
    const { yellow } = this.#screen.colours
    if (isAsDescribed) this.#pass(yellow('!'), claim, yellow)
    else this.#fail(`${claim} (not as described)`)
  }

  /** Records that an attempt is refused with this code, and prints the error as the caller sees it. */
  async refused(claim: string, code: CseErrorCode, attempt: () => Promise<unknown>): Promise<void> {
    const outcome = await attempt().then(
      () => 'nothing was refused',
      (error: unknown) => error,
    )
    if (!CseError.isInstance(outcome) || outcome.code !== code) {
      this.#fail(`${claim}: ${describeError(outcome)} instead of ${code}`)
      return
    }
    this.that(true, claim)
    const { dim, yellow } = this.#screen.colours
    this.#screen.line(`  ${yellow(outcome.code)}`)
    this.#screen.marked(' ', outcome.message, dim)
  }

  /** Records that something ended in an unexpected error. */
  stopped(what: string, error: unknown): void {
    this.#fail(`${what}: ${describeError(error)}`)
  }

  #pass(mark: string, claim: string, paint?: (line: string) => string): void {
    this.#count += 1
    this.#screen.marked(mark, claim, paint)
  }

  #fail(claim: string): void {
    const { red } = this.#screen.colours
    this.#count += 1
    this.#failures.push(claim)
    this.#screen.marked(red('✗'), claim, red)
  }
}

function describeError(error: unknown): string {
  if (CseError.isInstance(error)) return `${error.code} (${error.message})`
  return error instanceof Error ? error.message : String(error)
}
