import { formatMaterialDescription } from '@oss-cse/crypto-core/internal'
import type { ShardTotals } from '../job-queue.ts'
import type { ReportRow } from './report-row.ts'

/** A number of objects, and the length of all of them together as they are stored, in bytes. */
export interface ObjectTotals {
  readonly objects: number
  readonly bytes: number
}

/** The objects under one master key. */
export interface KeyTotals extends ObjectTotals {
  readonly wrapAlgorithm: string
  /** The material description as a header has it: JSON, or empty if the envelopes name no key. */
  readonly materialDescription: string
}

/** An object may name any key it likes: no more than this many are told apart, so that memory stays flat. */
const MAX_KEYS = 1000

/** Counts the rows of a part or of a report. Uses constant memory. */
export class ReportTotals {
  #objects = 0
  #bytes = 0
  #readBytes: number | undefined
  readonly #outcomes = new Map<string, ObjectTotals>()
  readonly #formats = new Map<string, ObjectTotals>()
  readonly #keys = new Map<string, KeyTotals>()
  #otherKeys: ObjectTotals = { objects: 0, bytes: 0 }

  add({ outcome, sizeBytes, readBytes, format, wrapAlgorithm, materialDescription }: ReportRow): void {
    this.#objects += 1
    this.#bytes += sizeBytes
    if (readBytes !== undefined) this.#readBytes = (this.#readBytes ?? 0) + readBytes
    this.#outcomes.set(outcome, plus(this.#outcomes.get(outcome), sizeBytes))
    if (format !== undefined) this.#formats.set(format, plus(this.#formats.get(format), sizeBytes))
    if (wrapAlgorithm !== undefined) this.#addKey(wrapAlgorithm, materialDescription ?? {}, sizeBytes)
  }

  #addKey(
    wrapAlgorithm: string,
    description: NonNullable<ReportRow['materialDescription']>,
    sizeBytes: number,
  ): void {
    const materialDescription = formatMaterialDescription(description)
    const id = `${wrapAlgorithm} ${materialDescription}`
    const known = this.#keys.get(id)
    if (known === undefined && this.#keys.size === MAX_KEYS) {
      this.#otherKeys = plus(this.#otherKeys, sizeBytes)
      return
    }
    this.#keys.set(id, { wrapAlgorithm, materialDescription, ...plus(known, sizeBytes) })
  }

  /**
   * The numbers for `TakenShard.complete`: `objects`, `bytes`, `readBytes` if content was read, and the number of objects by
   * outcome.
   */
  get shardTotals(): ShardTotals {
    return {
      objects: this.#objects,
      bytes: this.#bytes,
      ...(this.#readBytes !== undefined && { readBytes: this.#readBytes }),
      ...Object.fromEntries([...this.#outcomes].map(([outcome, { objects }]) => [outcome, objects])),
    }
  }

  /** The same for a report, by outcome, by format and by key. The keys with the most objects come first. */
  get tables(): {
    readonly outcomes: Readonly<Record<string, ObjectTotals>>
    readonly formats: Readonly<Record<string, ObjectTotals>>
    readonly keys: readonly KeyTotals[]
    readonly otherKeys: ObjectTotals
  } {
    return {
      outcomes: Object.fromEntries(this.#outcomes),
      formats: Object.fromEntries(this.#formats),
      keys: [...this.#keys.values()].sort((a, b) => b.objects - a.objects),
      otherKeys: this.#otherKeys,
    }
  }
}

function plus({ objects, bytes }: ObjectTotals = { objects: 0, bytes: 0 }, sizeBytes: number): ObjectTotals {
  return { objects: objects + 1, bytes: bytes + sizeBytes }
}
