// Lets every SDK that can run here write, and every other read it; holds what came of it against what is expected,
// and writes it down. README.md says more.
import { readFileSync, writeFileSync } from 'node:fs'
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
  --vectors     writes the test vectors anew
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
  return [
    [PAGE, compatibilityPage(participants, cells, judgement)],
    [README, readme.replace(README_TABLE, () => shortTable(participants, cells))],
  ]
}

/** In CI what is committed must be what was found; elsewhere it is written down. */
function settle(url, text) {
  const name = url.pathname.split('/').at(-1)
  if (readFileSync(url, { encoding: 'utf8', flag: 'a+' }) === text) return []
  if (process.env['CI']) return [`${name} is not what this run found: run \`pnpm interop\`, and commit it.`]
  writeFileSync(url, text)
  console.log(`Written: ${name}`)
  return []
}

function summary(cells, failures) {
  const readings = cells.filter(({ reading }) => reading !== 'write')
  const count = (verdict) => readings.filter((cell) => cell.verdict === verdict).length
  const right = readings.filter((cell) => cell.right).length
  const wrongOfOurs = readings.filter(({ reader, verdict }) => reader === 'oss-cse' && verdict === 'wrong')
  const verdicts = `${count('reads')} read, ${count('refuses')} refuse, ${count('wrong')} are wrong, ${count('absent')} have no call`
  return [
    `${readings.length} cells: ${verdicts}; ${right} are as the format makes them; wrong ones of oss-cse: ${wrongOfOurs.length}.`,
    `interop: ${Math.max(0, cells.length - failures.length)} passed, ${failures.length} failed`,
  ].join('\n')
}

async function interop({ only, vectors }) {
  const lab = await Lab.start()
  const { participants, missing } = await openParticipants(lab, { only })
  for (const { title, reason } of missing) console.log(`Left out: ${title}. ${reason}`)
  const complete = only === undefined && missing.length === 0
  const { cells, written } = await runMatrix(lab, participants, (writer, found) => {
    const right = found.filter((cell) => cell.right).length
    console.log(`${writer}: ${found.length} cells, ${right} as the format makes them`)
  })
  const judgement = judge(cells, { complete })
  const failures = [...judgement.failures]
  if (process.env['CI']) failures.push(...missing.map(({ title }) => `${title} could not be run.`))
  if (complete && failures.length === 0) {
    for (const document of documents(participants, cells, judgement)) failures.push(...settle(...document))
    if (vectors) await writeVectors(lab, participants, written)
  }
  for (const { driver } of participants) await driver.close()
  await lab.stop()
  for (const failure of failures) console.log(`FAILED  ${failure}`)
  console.log(summary(cells, failures))
  if (failures.length > 0) process.exitCode = 1
}

let given
try {
  given = options()
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}
await interop(given)
