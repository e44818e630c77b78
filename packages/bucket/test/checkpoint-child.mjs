/** A process that works on a file checkpoint until it is killed: `hold` takes it, `save` replaces it without end. */
import { FileCheckpointStore } from '../dist/node.js'

const [, , directory, task] = process.argv
const checkpoint = await new FileCheckpointStore({ directory }).open('a').catch(({ code }) => {
  process.send({ code })
  process.exit()
})
if (task === 'save') await checkpoint.save({ text: 'x', end: true })
process.send({ code: 'ready' })
setInterval(() => {}, 1000)
for (let length = 1; task === 'save'; length += 997) {
  await checkpoint.save({ text: 'x'.repeat(length % 300_000), end: true })
}
