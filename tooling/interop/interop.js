// Lets each SDK write and each other SDK read, compares the outcomes with those expected,
// and writes the documents. README.md says more.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compatibilityPage, shortTable } from './compatibility.js'
import { judge } from './judge.js'
import { Lab } from './lab.js'
import { openParticipants } from './participants.js'
import { runMatrix } from './run-matrix.js'
import { TOOLCHAINS } from './toolchains.js'
import { writeVectors } from './vectors.js'

const USAGE = `interop [options]
  --only NAME   one of ${TOOLCHAINS.map(({ name }) => name).join(', ')}; can be given several times
  --vectors     makes the test vectors again
`
const PAGE = new URL('../../docs/COMPATIBILITY.md', import.meta.url)
const README = new URL('../../README.md', import.meta.url)
const README_TABLE = /(?<=<!-- compatibility -->\n\n).*?(?=\n\n<!-- \/compatibility -->)/s

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      vectors: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const unknown = values.only?.filter((only) => !TOOLCHAINS.some(({ name }) => name === only)) ?? []
  if (unknown.length > 0) throw new Error(`There is no SDK ${unknown.join(', ')}.`)
  return values
}

/** Both documents as this run makes them: `[url, text]`. */
function documents(participants, cells, judgement) {
  const readme = readFileSync(README, 'utf8')
  if (!README_TABLE.test(readme)) throw new Error('The README has no marks for the table.')
  return [
    [PAGE, compatibilityPage(participants, cells, judgement)],
    [README, readme.replace(README_TABLE, () => shortTable(participants, cells))],
  ]
}

/** In CI what is committed must be what was found; elsewhere it is written down. */
function settle(url, text) {
  const name = url.pathname.split('/').at(-1)
  if (existsSync(url) && readFileSync(url, 'utf8') === text) return []
  if (process.env['CI'])
    return [`${name} differs from what this run found: run \`pnpm interop\` and commit it.`]
  writeFileSync(url, text)
  console.log(`Written: ${name}`)
  return []
}

function summary(cells, { causes, failures: judged }, failures) {
  const readings = cells.filter(({ reading }) => reading !== 'write')
  const count = (verdict) => readings.filter((cell) => cell.verdict === verdict).length
  const right = readings.filter((cell) => cell.right).length
  const wrongOfOurs = readings.filter(({ reader, verdict }) => reader === 'oss-cse' && verdict === 'wrong')
  const verdicts = `${count('reads')} read, ${count('refuses')} rejected, ${count('wrong')} misread, ${count('absent')} unsupported`
  const passed = judged.length === 0 ? cells.length : cells.filter((cell) => cell.right).length + causes.size
  return [
    `${readings.length} cells: ${verdicts}; ${right} have the right outcome; misread by oss-cse: ${wrongOfOurs.length}.`,
    `interop: ${passed} passed, ${failures.length} failed`,
  ].join('\n')
}

/** Runs what there is to run, and says what is not as it was expected to be. */
async function runInLab(lab, participants, missing, { only, vectors }) {
  for (const { title, reason } of missing) console.log(`Left out: ${title}. ${reason}`)
  const complete = only === undefined && missing.length === 0
  const { cells, written } = await runMatrix(lab, participants, (writer, found) => {
    const right = found.filter((cell) => cell.right).length
    console.log(`${writer}: ${found.length} cells, ${right} with the right outcome`)
  })
  const judgement = judge(cells, { complete })
  const failures = [...judgement.failures]
  if (process.env['CI']) failures.push(...missing.map(({ title }) => `${title} could not be run.`))
  if (complete && failures.length === 0) {
    for (const document of documents(participants, cells, judgement)) failures.push(...settle(...document))
    if (vectors) await writeVectors(lab, participants, written)
  }
  for (const failure of failures) console.log(`FAILED  ${failure}`)
  console.log(summary(cells, judgement, failures))
  if (failures.length > 0) process.exitCode = 1
}

async function interop(given) {
  const lab = await Lab.start()
  let participants = []
  try {
    const opened = await openParticipants(lab, given)
    participants = opened.participants
    await runInLab(lab, participants, opened.missing, given)
  } finally {
    for (const { driver } of participants) await driver.close()
    await lab.stop()
  }
}

let given
try {
  given = options()
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}
try {
  await interop(given)
} catch (error) {
  console.error(error)
  console.log('interop: 0 passed, 1 failed')
  // A driver that was opened before the failure may still run.
  process.exit(1)
}
