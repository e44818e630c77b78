import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { formatReport } from './report.js'

/**
 * A command that runs scenarios with the counts of its options, and prints one table. It exits with 1 if something is reported
 * that should not have happened, and with 2 for wrong options.
 *
 * @param {{
 *   usage: string,
 *   scenarios: Record<string, (counts: Record<string, number>) => Promise<import('./index.d.ts').Outcome>>,
 *   counts: Record<string, number>,
 * }} command - `counts`: the options that take a number, and their defaults
 */
export async function runScenarios({ usage, scenarios, counts }) {
  let given
  try {
    given = options(scenarios, { ...counts, seed: randomInt(2 ** 31) })
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
  if (given.help) {
    console.log(usage)
    return
  }
  console.error(`Repeat with --seed ${given.counts.seed}`)
  const outcomes = []
  for (const name of given.names) {
    console.error(`${name} …`)
    try {
      outcomes.push(await scenarios[name](given.counts))
    } catch (error) {
      outcomes.push({ name, counts: {}, failures: [error.stack] })
    }
  }
  console.log(formatReport(outcomes))
  if (outcomes.some(({ failures }) => failures.length > 0)) process.exitCode = 1
}

function options(scenarios, defaults) {
  const numbers = Object.entries(defaults).map(([name, value]) => [
    name,
    { type: 'string', default: String(value) },
  ])
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(numbers),
      only: { type: 'string', multiple: true, default: Object.keys(scenarios) },
      help: { type: 'boolean', default: false },
    },
  })
  const { only: names, help, ...texts } = values
  const unknown = names.filter((name) => !(name in scenarios))
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(', ')}.`)
  const counts = Object.entries(texts).map(([name, text]) => [name, wholeNumber(name, text)])
  return { names, help, counts: Object.fromEntries(counts) }
}

function wholeNumber(name, text) {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} ${text} is not a number.`)
  return number
}
