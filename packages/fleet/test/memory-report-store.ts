import { CseError } from '@oss-cse/crypto-core'
import type { ReportStore } from '../src/report/report-store.ts'

/** A report store in memory. Tests may change its parts. */
export class MemoryReportStore implements ReportStore {
  readonly parts = new Map<string, string[]>()
  readonly results = new Map<string, string>()

  async writePart(shardName: string, lines: AsyncIterable<string>): Promise<void> {
    const written: string[] = []
    for await (const line of lines) written.push(line)
    this.parts.set(shardName, written)
  }

  async *partNames(): AsyncGenerator<string, void, undefined> {
    yield* [...this.parts.keys()].sort()
  }

  async *readPart(shardName: string): AsyncGenerator<string, void, undefined> {
    const lines = this.parts.get(shardName)
    if (lines === undefined) throw new CseError('ERR_CSE_NOT_FOUND', 'There is no such part.')
    yield* lines
  }

  async writeResult(name: string, chunks: AsyncIterable<string>): Promise<void> {
    let text = ''
    for await (const chunk of chunks) text += chunk
    this.results.set(name, text)
  }
}
