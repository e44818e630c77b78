import { EXPECTATIONS } from './expectations.js'
import { SEALED_REFUSALS } from './sealed-verdicts.js'

/**
 * @typedef {import('./run-matrix.js').Cell} Cell
 * @typedef {import('./expectations.js').Expectation} Expectation
 *
 * @typedef {object} Judgement
 * @property {ReadonlyMap<Cell, Expectation>} causes - of each cell that is not right, and as it was expected to be
 * @property {readonly string[]} failures - what is not as expected, in words
 */

/**
 * Holds the cells against the expectations.
 *
 * @param {readonly Cell[]} cells
 * @param {{ complete: boolean }} options - whether every participant was there
 * @returns {Judgement}
 */
export function judge(cells, { complete }) {
  const causes = new Map()
  const failures = []
  const met = new Set()
  for (const cell of cells) {
    const expected = EXPECTATIONS.filter((expectation) => concerns(expectation, cell))
    for (const expectation of expected) met.add(expectation)
    if (cell.right && expected.length === 0 && saysWhatThePageCites(cell)) continue
    const [only] = expected
    if (expected.length === 1 && !cell.right && isAsExpected(cell, only)) causes.set(cell, only)
    else failures.push(`${inWords(cell)} ${expectedInWords(expected)}`)
  }
  if (complete) {
    for (const expectation of EXPECTATIONS) {
      if (!met.has(expectation)) failures.push(`No cell is concerned by: ${expectation.cause}`)
    }
  }
  return { causes, failures }
}

/** The page cites the words of each SDK that refuses a sealed object. */
function saysWhatThePageCites({ reader, reason, detail }) {
  if (reason !== 'the content algorithm') return true
  const cited = SEALED_REFUSALS.find((refusal) => refusal.reader === reader)
  return cited !== undefined && detail.includes(cited.error)
}

function isAsExpected({ reader, verdict, reason }, expected) {
  const wrongOfOurs = verdict === 'wrong' && reader === 'oss-cse'
  return !wrongOfOurs && verdict === expected.verdict && [expected.reason].flat().includes(reason)
}

/** Says what a cell is about, and what was found. */
function inWords({ writer, object, reader, reading, verdict, reason, detail }) {
  const what = reading === 'write' ? `${writer} writes` : `${reader} reads (${reading}), of ${writer},`
  return `${what} ${object.id}: ${verdict}${reason === undefined ? '' : `, ${reason}`}. ${detail.slice(0, 300)}`.trim()
}

function expectedInWords(expected) {
  if (expected.length === 0) return '[not expected]'
  return `[expected: ${expected.map(({ verdict, reason = '', cause }) => `${verdict} ${reason}: ${cause}`).join(' | ')}]`
}

function concerns({ writers, objects, readers, readings }, cell) {
  return (
    (writers?.includes(cell.writer) ?? true) &&
    (objects?.includes(cell.object.id) ?? true) &&
    (readers?.includes(cell.reader) ?? true) &&
    (readings?.includes(cell.reading) ?? cell.reading !== 'write')
  )
}
