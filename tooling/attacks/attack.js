// Alters sealed objects in every way that somebody can who may write to the bucket, and answers as a hostile server does.
// README.md says what must hold.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { scenarios } from './scenarios/index.js'

const USAGE = `attack [options]
  --flips N        how many random bits of a larger object are flipped, one at a time (2000)
  --alterations N  how many altered objects are read (5000)
  --lies N         how many reads a hostile server answers (5000)
  --files N        how many large files worker threads download (200)
  --seed N         repeats the choices of another run
  --only NAME      one of ${Object.keys(scenarios).join(', ')}; can be given several times
`
const DEFAULTS = { flips: 2000, alterations: 5000, lies: 5000, files: 200, seed: randomInt(2 ** 31) }

function options() {
  const counts = Object.entries(DEFAULTS).map(([name, value]) => [
    name,
    { type: 'string', default: String(value) },
  ])
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(counts),
      only: { type: 'string', multiple: true, default: Object.keys(scenarios) },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const { only, help: _help, ...texts } = values
  const unknown = only.filter((name) => !(name in scenarios))
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(', ')}.`)
  const numbers = Object.entries(texts).map(([name, text]) => [name, wholeNumber(name, text)])
  return { names: only, ...Object.fromEntries(numbers) }
}

function wholeNumber(name, text) {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} ${text} is not a number.`)
  return number
}

async function attack({ names, ...counts }) {
  console.error(`Repeat with --seed ${counts.seed}`)
  for (const name of names) {
    const { counts: came, failures } = await scenarios[name](counts)
    const text = Object.entries(came).map(([what, count]) => `${count} ${what}`)
    console.log(`${name}: ${text.join(', ')}, ${failures.length} failures`)
    for (const failure of failures.slice(0, 20)) console.log(`  ${failure}`)
    if (failures.length > 0) process.exitCode = 1
  }
}

let given
try {
  given = options()
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}
await attack(given)
