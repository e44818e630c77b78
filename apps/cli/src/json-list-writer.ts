import type { CliEnvironment } from './cli-environment.ts'
import { writeChunk } from './stream-writer.ts'

/** Writes one JSON object with a long list in it to stdout, item by item, so that the list is never in memory. */
export class JsonListWriter {
  readonly #cli: CliEnvironment
  #before: string

  /**
   * @param head - the object's fields before the list
   * @param listName - the name of the list
   */
  constructor(cli: CliEnvironment, head: Readonly<Record<string, unknown>>, listName: string) {
    this.#cli = cli
    const fields = Object.entries(head).map(
      ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)},`,
    )
    this.#before = `{${fields.join('')}${JSON.stringify(listName)}:[`
  }

  /** Writes one item. */
  async add(item: unknown): Promise<void> {
    const text = this.#before + JSON.stringify(item)
    this.#before = ','
    await writeChunk(this.#cli.stdout, text, this.#cli.signal)
  }

  /** Writes the fields behind the list: at least one. */
  async end(tail: Readonly<Record<string, unknown>>): Promise<void> {
    const head = this.#before === ',' ? '' : this.#before
    const text = `${head}],${JSON.stringify(tail).slice(1)}\n`
    await writeChunk(this.#cli.stdout, text, this.#cli.signal)
  }
}
