// Alters sealed objects in every way that somebody can who may write to the bucket, and answers as a hostile server does.
// README.md says what must hold.
import { runScenarios } from '@oss-cse/survival/run-scenarios.js'
import { scenarios } from './scenarios/index.js'

const USAGE = `attack [options]
  --flips N        how many random bits of a larger object are flipped, one at a time (2000)
  --alterations N  how many altered objects are read (5000)
  --lies N         how many reads a hostile server answers (5000)
  --files N        how many large files worker threads download (200)
  --seed N         repeats the choices of another run
  --only NAME      one of ${Object.keys(scenarios).join(', ')}; can be given several times
`

await runScenarios({
  usage: USAGE,
  scenarios,
  counts: { flips: 2000, alterations: 5000, lies: 5000, files: 200 },
})
