/** What came of a scenario. */
export interface Outcome {
  readonly name: string
  readonly counts: {
    readonly reads: number
    /** Reads that ended with an error. */
    readonly refused: number
    /** Reads that ended well, with what the writer wrote. */
    readonly intact: number
  }
  /** What should not have happened; empty when no altered byte was released. */
  readonly failures: readonly string[]
}

type Scenario<Count extends string> = (counts: Readonly<Record<Count | 'seed', number>>) => Promise<Outcome>

export declare const everyBit: Scenario<never>
export declare const randomBits: Scenario<'flips'>
export declare const alteredObjects: Scenario<'alterations'>
export declare const hostileServer: Scenario<'lies'>
export declare const largeFiles: Scenario<'files'>
