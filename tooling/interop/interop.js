import { writeFileSync } from 'node:fs'
import { inWords, judge } from './judge.js'
import { Lab } from './lab.js'
import { openParticipants } from './participants.js'
import { runMatrix } from './run-matrix.js'

const lab = await Lab.start()
const only = process.argv[2]?.split(',')
const { participants, missing } = await openParticipants(lab, { only })
console.log(
  participants.map(({ name, versions }) => [name, versions]),
  missing,
)
const { cells } = await runMatrix(lab, participants, (found) => {})
const { failures } = judge(cells, { complete: only === undefined && missing.length === 0 })
console.log(failures.join('\n'))
writeFileSync('/tmp/cells.json', JSON.stringify(cells, null, 1))
console.log(cells.length, cells.filter((c) => c.right).length)
for (const { driver } of participants) await driver.close()
await lab.stop()
