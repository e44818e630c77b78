import { printableJson } from '@oss-cse/crypto-core/internal'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { failureOf, ToldFailure } from './failure.ts'
import { failureJson } from './report-failure.ts'
import { BrokenPipe, writeChunk } from './stream-writer.ts'

/** Writes one JSON object with a long list to stdout, item by item, so that the whole list is never in memory. */
export class JsonListWriter {
  readonly #cli: CliEnvironment
  #before: string
  #begun = false
  #ended = false

  /**
   * @param head - the object's fields before the list
   * @param listName - the name of the list
   */
  constructor(cli: CliEnvironment, head: Readonly<Record<string, unknown>>, listName: string) {
    this.#cli = cli
    const fields = Object.entries(head).map(
      ([name, value]) => `${printableJson(name)}:${printableJson(value)},`,
    )
    this.#before = `{${fields.join('')}${printableJson(listName)}:[`
  }

  /** Writes one item. */
  async add(item: unknown): Promise<void> {
    this.#cli.signal.throwIfAborted()
    const text = this.#before + printableJson(item)
    this.#before = ','
    this.#begun = true
    await writeChunk(this.#cli.stdout, text, this.#cli.signal)
  }

  /** Writes the fields after the list: at least one. */
  async end(tail: Readonly<Record<string, unknown>>): Promise<void> {
    this.#cli.signal.throwIfAborted()
    const head = this.#begun ? '' : this.#before
    const text = `${head}],${printableJson(tail).slice(1)}\n`
    // From here on the object is complete, even if the write fails.
    this.#ended = true
    this.#begun = true
    await writeChunk(this.#cli.stdout, text, this.#cli.signal)
  }

  /**
   * Ends an object whose list has started and cannot be completed. Its `error` says why.
   *
   * @param thrown - what went wrong
   * @returns the error to throw
   */
  fail(thrown: unknown): unknown {
    if (!this.#begun || thrown instanceof BrokenPipe) return thrown
    if (!this.#ended) this.#cli.stdout.write(`],"error":${failureJson(failureOf(thrown, this.#cli))}}\n`)
    return new ToldFailure(thrown)
  }
}
