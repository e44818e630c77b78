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
const { cells } = await runMatrix(lab, participants, (found) => {
  for (const c of found)
    if (!c.right || c.resumed === false)
      console.log(
        c.writer,
        '|',
        c.object.id,
        '|',
        c.reader,
        '|',
        c.reading,
        '|',
        c.verdict,
        c.resumed ?? '',
        '|',
        c.detail.slice(0, 200),
      )
})
console.log(cells.length, cells.filter((c) => c.right).length)
for (const { driver } of participants) await driver.close()
await lab.stop()
