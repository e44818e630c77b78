import { EXPECTATIONS } from './expectations.js'
import { OBJECTS, READINGS } from './matrix.js'

/**
 * @typedef {import('./run-matrix.js').Cell} Cell
 * @typedef {import('./participants.js').Participant} Participant
 */

/** In a cell of a table; `reads` as it should needs no word of its own. */
const WORDS = {
  reads: 'reads',
  refuses: 'refuses',
  wrong: '**wrong**',
  again: 'begins again',
  absent: 'no call',
}

/**
 * docs/COMPATIBILITY.md, from a run.
 *
 * @param {readonly Participant[]} participants
 * @param {readonly Cell[]} cells
 * @param {import('./judge.js').Judgement} judgement
 * @returns {string}
 */
export function compatibilityPage(participants, cells, { causes }) {
  const numbers = numbered(causes)
  const titles = new Map(participants.map(({ name, title }) => [name, title]))
  const readers = participants.filter(({ handMade }) => !handMade)
  const context = { cells, causes, numbers, titles, readers }
  return [
    '# Compatibility',
    '<!-- Written by `pnpm interop`, from what it found. Do not edit. -->',
    INTRODUCTION,
    '## Versions',
    versionTable(readers),
    '## In short',
    'How many of the cells of each pair are as the format makes them: the plaintext came, or what nobody may read was refused. The rest is explained [below](#deviations). Counted are whole objects, ranges, transfers in parts, copies and metadata; writers are the rows.',
    pairTable(participants, context),
    '## What each can write',
    'Everything that is not in this table was written by everybody who was asked.',
    writeTable(context),
    ...[...new Set(OBJECTS.map(({ group }) => group))].flatMap((group) => groupSection(group, context)),
    '## Deviations',
    deviationList(causes, numbers, titles),
  ]
    .join('\n\n')
    .concat('\n')
}

const INTRODUCTION = `Each SDK below ran, in the version given, against this project's emulators of OSS and KMS, with its signatures
verified: it wrote objects, and read those of the others. Nothing was run against the live service. C++ and PHP V2 are in no
registry that the laboratory can reach: objects in their exact form, made by hand, stand in for what they write (†).
Java V2 has the parts of an encryption client and not the client: its driver puts them together.

A cell of a table *reads* (the right bytes came), *refuses* (an error came, and no wrong byte), or is *wrong* (bytes came that
are not what was asked for, or no error where there should be one). An interrupted transfer which the next process does not
go on with *begins again*. *No call*: the SDK has none for that. A number leads to the cause. \`pnpm interop\` makes this page,
and fails where a cell is not what it was expected to be.`

/** What is to be said of a group. */
const NOTES = {
  'Not encrypted':
    'oss-cse refuses it by default, and reads it with `onPlainObject: "passthrough"`: what should be encrypted and is not may have been planted. The others have no such choice.',
  Counters:
    'No SDK writes such an IV: theirs, and that of oss-cse, have zeros in bytes 8 to 11, so that all ways to seek agree.',
}

/** The causes that were met, each text once, in the order of the expectations. */
function numbered(causes) {
  const met = new Set(causes.values())
  const keys = new Set(EXPECTATIONS.filter((expectation) => met.has(expectation)).map(causeKey))
  return new Map([...keys].map((key, index) => [key, index + 1]))
}

const causeKey = ({ cause, source = '' }) => `${cause}\n${source}`

function versionTable(readers) {
  const rows = readers.map(({ title, runtime = '', versions }) => {
    const packages = Object.entries(versions).map(([name, version]) => `\`${name}\` ${version}`)
    return [title, packages.join(', '), runtime]
  })
  return table(['SDK', 'packages', 'on'], rows)
}

function pairTable(participants, { cells, readers, titles }) {
  const rows = participants.map(({ name, title }) => [
    title,
    ...readers.map((reader) => {
      const pair = pairOf(cells, name, reader.name)
      return pair.length === 0 ? '' : asItShould(pair)
    }),
  ])
  return table(['written by', ...readers.map(({ name }) => titles.get(name))], rows)
}

function writeTable(context) {
  const written = context.cells.filter(({ reading }) => reading === 'write')
  const rows = written
    .filter(({ right }) => !right)
    .map((cell) => [context.titles.get(cell.writer), cell.object.id, word(cell, context)])
  return table(['SDK', 'object', ''], rows)
}

/** One table of a group: a row for each object and reading, a column for each reader. */
function groupSection(group, context) {
  const { cells, readers, titles } = context
  const objects = OBJECTS.filter((object) => object.group === group)
  const columns = readers.filter(({ name }) =>
    cells.some((cell) => cell.reader === name && cell.object.group === group && cell.reading !== 'write'),
  )
  const rows = objects.flatMap((object) =>
    object.readings.map((reading) => [
      object.id,
      READINGS[reading].refuse === undefined ? reading : `${reading} (to be refused)`,
      ...columns.map(({ name }) => {
        const found = cells.filter(
          (cell) => cell.object.id === object.id && cell.reading === reading && cell.reader === name,
        )
        return summary(found, context)
      }),
    ]),
  )
  const note = NOTES[group] === undefined ? [] : [NOTES[group]]
  return [
    `## ${group}`,
    ...note,
    table(['object', 'reading', ...columns.map(({ name }) => titles.get(name))], rows),
  ]
}

/** What all writers' objects of one kind come to in one reader: one word, or one for each sort of writer. */
function summary(cells, context) {
  const byWord = Map.groupBy(cells, (cell) => word(cell, context))
  if (byWord.size <= 1) return [...byWord.keys()].join('')
  const [[most], ...others] = [...byWord].sort(([, a], [, b]) => b.length - a.length)
  const rest = others.map(
    ([text, some]) => `${some.map(({ writer }) => context.titles.get(writer)).join(', ')}: ${text}`,
  )
  return [most, ...rest].join('; ')
}

function word(cell, { causes, numbers }) {
  const cause = causes.get(cell)
  if (cause === undefined) return WORDS[cell.verdict]
  const number = numbers.get(causeKey(cause))
  return `${WORDS[cell.verdict]} [${number}](#${number})`
}

function deviationList(causes, numbers, titles) {
  const all = [...causes]
  return [...numbers]
    .map(([key, number]) => {
      const [cause, source] = key.split('\n')
      const concerned = all.filter(([, expectation]) => causeKey(expectation) === key).map(([cell]) => cell)
      const who = (name) => [...new Set(concerned.map((cell) => titles.get(cell[name])))].join(', ')
      const verdicts = [...new Set(concerned.map(({ verdict }) => WORDS[verdict]))].join(', ')
      const where = source === '' ? '' : ` (\`${source}\`)`
      return `${number}. <a id="${number}"></a>${who('reader')}: ${cause}${where} *${plural(concerned.length, 'cell')}: ${verdicts}.*`
    })
    .join('\n')
}

const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`

function pairOf(cells, writer, reader) {
  return cells.filter((cell) => cell.writer === writer && cell.reader === reader && cell.reading !== 'write')
}

const asItShould = (pair) => `${pair.filter(({ right }) => right).length} of ${pair.length}`

/** How the README says what is not as it should be. */
const SHORT_WORDS = {
  wrong: 'wrong',
  refuses: 'refused',
  again: 'not resumed',
  absent: 'without a call',
  reads: 'not refused',
}

/** The README's table: each SDK beside oss-cse. */
export function shortTable(participants, cells) {
  const rows = participants
    .filter(({ name }) => !['oss-cse', 'any-iv', 'plain'].includes(name))
    .map(({ name, title, version = '' }) => {
      const theirs = pairOf(cells, name, 'oss-cse')
      const ours = pairOf(cells, 'oss-cse', name)
      const rest = Object.entries(SHORT_WORDS)
        .map(([verdict, word]) => [
          ours.filter((cell) => !cell.right && cell.verdict === verdict).length,
          word,
        ])
        .filter(([length]) => length > 0)
        .map(([length, word]) => `${length} ${word}`)
      return [
        `${title} ${version}`.trim(),
        asItShould(theirs),
        ours.length === 0 ? 'not run' : asItShould(ours),
        rest.join(', '),
      ]
    })
  return table(['SDK', 'oss-cse reads its objects', 'it reads those of oss-cse', 'the rest'], rows)
}

function table(head, rows) {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = head.map((_, column) => Math.max(3, ...lines.map((line) => line[column].length)))
  const text = lines.map(
    (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`,
  )
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [text[0], rule, ...text.slice(1)].join('\n')
}
