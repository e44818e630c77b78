import type { Checks } from './checks.ts'
import type { Screen } from './screen.ts'
import type { Stage } from './stage.ts'

/** What every step receives. */
export interface DemoContext {
  readonly stage: Stage
  readonly screen: Screen
  readonly checks: Checks
}

/** One step of the demo. It does something, shows it, and checks its own claims. */
export type DemoStep = (context: DemoContext) => Promise<void>
