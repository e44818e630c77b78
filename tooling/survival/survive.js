// Does to transfers what the world does to them: kills their processes, breaks their connections, fills their disks,
// changes their files. README.md says what must hold.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { formatReport } from './report.js'
import { scenarios } from './scenarios/index.js'

const USAGE = `survive [options]
  --kills N     how often uploads are killed, and how often downloads (100)
  --objects N   how many objects the soak transfers (200)
  --losing N    how many objects are transferred while worker threads are lost (60)
  --stops N     how many uploads are stopped for a while, and how many downloads (10)
  --exits N     how many uploads exit in the middle, and how many downloads (20)
  --seed N      repeats the choices of another run
  --only NAME   one of ${Object.keys(scenarios).join(', ')}; can be given several times
`

const COUNTS = ['kills', 'objects', 'losing', 'stops', 'exits', 'seed']

function options() {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '100' },
      objects: { type: 'string', default: '200' },
      losing: { type: 'string', default: '60' },
      stops: { type: 'string', default: '10' },
      exits: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      only: { type: 'string', multiple: true, default: Object.keys(scenarios) },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const unknown = values.only.filter((name) => !(name in scenarios))
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(', ')}.`)
  const counts = Object.fromEntries(COUNTS.map((name) => [name, wholeNumber(name, values[name])]))
  return { names: values.only, ...counts }
}

function wholeNumber(name, text) {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} ${text} is not a number.`)
  return number
}

async function survive({ names, ...counts }) {
  console.error(`Repeat with --seed ${counts.seed}`)
  const outcomes = []
  for (const name of names) {
    console.error(`${name} …`)
    try {
      outcomes.push(await scenarios[name](counts))
    } catch (error) {
      outcomes.push({ name, counts: {}, failures: [error.stack] })
    }
  }
  console.log(formatReport(outcomes))
  if (outcomes.some(({ failures }) => failures.length > 0)) process.exitCode = 1
}

// What is under way ends with this process, and its directories are removed: see Workspace, Command and Child.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => process.exit(code))
}

let given
try {
  given = options()
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}
await survive(given)
