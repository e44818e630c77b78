/** A process that is replacing a file until it is killed. */
import { replaceFile } from '../dist/node.js'

const [, , path] = process.argv
await replaceFile(path, async (append) => {
  await append(new Uint8Array(16))
  process.send({ code: 'ready' })
  await new Promise((resolve) => setInterval(resolve, 2 ** 30))
})
