import type { EnvelopeRow } from './envelope-view.ts'
import type { Screen } from './screen.ts'

/** Prints headers of an envelope, with aligned values and meanings. */
export function printEnvelope(screen: Screen, rows: readonly EnvelopeRow[]): void {
  const { dim, yellow } = screen.colours
  const nameWidth = 8
  const valueWidth = Math.max(...rows.map(({ value }) => value.length))
  for (const { name, value, meaning } of rows) {
    // A name that is too long for its column uses the free space of its value.
    const field = `${name.padEnd(nameWidth)}  ${value}`
    const padding = ' '.repeat(Math.max(0, nameWidth + 2 + valueWidth - field.length))
    screen.line(`${yellow(name)}${field.slice(name.length)}${padding}  ${dim(meaning)}`)
  }
}
