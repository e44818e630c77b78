// Measures oss-cse against plain ali-oss on this machine. README.md says what each row means. A missed target is
// reported and is no failure: this is a benchmark, not a test.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Context, SIZES } from './context.js'
import { describeMachine } from './machine.js'
import { formatReport, writeReport } from './report.js'
import { scenarios } from './scenarios/index.js'
import { SINK_DESCRIPTION } from './sink.js'

const USAGE = `bench [options]
  --only NAME       one of ${Object.keys(scenarios).join(', ')}; can be given several times
  --runs N          alternating runs of each contender (5; with --quick 3)
  --quick           little data: does everything work?
  --json FILE       where the samples go (results/latest.json of this package)
  --cpu-prof DIR    has every measured process write a CPU profile there
`

const DEFAULT_JSON = fileURLToPath(new URL('results/latest.json', import.meta.url))

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string', default: DEFAULT_JSON },
      'cpu-prof': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const runs = Number(values.runs ?? (values.quick ? 3 : 5))
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs} is not a number of runs.`)
  const names = values.only ?? Object.keys(scenarios)
  const unknown = names.filter((name) => !(name in scenarios))
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(', ')}.`)
  const profiles = values['cpu-prof']
  const nodeArgs = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  return { names, runs, quick: values.quick, json: values.json, nodeArgs }
}

async function bench({ names, runs, quick, json, nodeArgs }) {
  const sizes = quick ? SIZES.quick : SIZES.full
  const context = await Context.create({ runs, sizes, nodeArgs })
  const results = []
  for (const name of names) {
    try {
      results.push({ name, ...(await scenarios[name](context)) })
    } catch (error) {
      console.error(`${name} failed:`, error)
      results.push({ name, error: error.message })
    }
  }
  await context.close()
  const report = {
    when: new Date().toISOString(),
    machine: describeMachine(),
    server: SINK_DESCRIPTION,
    quick,
    runs,
    sizes,
    results,
  }
  writeReport(json, report)
  console.log(formatReport(report))
  console.error(`\nEvery sample: ${json}`)
  if (results.some(({ error }) => error !== undefined)) process.exitCode = 1
}

let given
try {
  given = options()
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}
await bench(given)
