// Does to transfers what the world does to them: kills their processes, breaks their connections, fills their disks,
// changes their files. README.md says what must hold.
import { runScenarios } from './run-scenarios.js'
import { scenarios } from './scenarios/index.js'

const USAGE = `survive [options]
  --kills N     how often uploads are killed, and how often downloads (100)
  --objects N   how many objects the soak transfers (200)
  --losing N    how many objects are transferred while worker threads are lost (60)
  --stops N     how many uploads are stopped for a while, and how many downloads (10)
  --exits N     how many uploads exit in the middle, and how many downloads (20)
  --keys N      how many objects each fleet works on (20000)
  --seed N      repeats the choices of another run
  --only NAME   one of ${Object.keys(scenarios).join(', ')}; can be given several times
`

// What is under way ends with this process, and its directories are removed: see Workspace, Command and Child.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => process.exit(code))
}

await runScenarios({
  usage: USAGE,
  scenarios,
  counts: { kills: 100, objects: 200, losing: 60, stops: 10, exits: 20, keys: 20_000 },
})
