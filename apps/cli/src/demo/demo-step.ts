import type { Checks } from './checks.ts'
import type { Screen } from './screen.ts'
import type { Stage } from './stage.ts'

/** What every step gets. */
export interface DemoContext {
  readonly stage: Stage
  readonly screen: Screen
  readonly checks: Checks
}

/** One step of the demo: it does something, shows it, and checks what it says about it. */
export type DemoStep = (context: DemoContext) => Promise<void>
