import { readFile } from 'node:fs/promises'
import { concatBytes } from '@oss-cse/crypto-core'
import type { DemoStep } from '../demo-step.ts'
import { formatCount } from '../format.ts'
import { hexRows } from '../hex-view.ts'
import type { Screen } from '../screen.ts'

const SHOWN_BYTES = 64
/** Long enough not to occur by chance: once in 10^12 demos. */
const RUN_BYTES = 8

/** Fetches the letter without decrypting it and shows it beside the original. */
export const showStoredBytes: DemoStep = async ({ stage, screen, checks }) => {
  const { key, path } = stage.letter
  const plaintext = await readFile(path)
  const chunks: Uint8Array[] = []
  const response = await stage.transport.get({ key, headers: {} })
  for await (const chunk of response.body) chunks.push(chunk)
  const stored = concatBytes(chunks)
  screen.note(`The first ${SHOWN_BYTES} bytes of ${key}, here and as a plain GET returns them:`)
  screen.blank()
  printSideBySide(screen, plaintext.subarray(0, SHOWN_BYTES), stored.subarray(0, SHOWN_BYTES))
  screen.blank()
  checks.that(
    stored.length === plaintext.length,
    `Both have ${formatCount(plaintext.length)} bytes: encryption adds none`,
  )
  checks.that(
    !sharesRun(plaintext, stored),
    `No sequence of ${RUN_BYTES} bytes of the letter occurs in the stored bytes`,
  )
  screen.note('The server does see the name, the length, and the time of each upload and download.')
}

function printSideBySide(screen: Screen, here: Uint8Array, there: Uint8Array): void {
  const { bold, dim, green, magenta } = screen.colours
  const stored = hexRows(there)
  screen.line(`      ${bold(green('your file'.padEnd(33)))} ${dim('│')} ${bold(magenta('on the server'))}`)
  for (const [index, row] of hexRows(here).entries()) {
    const other = stored[index]
    const left = `${dim(row.offset)}  ${row.hex}  ${green(row.ascii)}`
    const right = other === undefined ? '' : `${other.hex}  ${magenta(other.ascii)}`
    screen.line(`${left} ${dim('│')} ${right}`)
  }
}

function sharesRun(plaintext: Buffer, stored: Uint8Array): boolean {
  const haystack = Buffer.from(stored)
  for (let start = 0; start + RUN_BYTES <= plaintext.length; start += 1) {
    if (haystack.includes(plaintext.subarray(start, start + RUN_BYTES))) return true
  }
  return false
}
