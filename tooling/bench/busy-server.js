// A server in a process of its own, which answers tiny requests while it transfers files: how long do they wait?
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { dropInClient, encryptedBucket, plainClient } from './clients.js'
import { EventLoopTicks, waitAt } from './event-loop-waits.js'
import { transfers } from './transfers.js'

/** How long a server has nothing to do that transfers nothing. */
const IDLE_MS = 500

/** @type {import('./peer-event-loop.js').BusyJob} */
const { endpoint, privateKeyPath, up, down } = JSON.parse(process.argv[2])
const privateKey = readFileSync(privateKeyPath, 'utf8')
const clients = {
  plain: plainClient(endpoint),
  dropIn: dropInClient(endpoint, privateKey),
  bucket: encryptedBucket(endpoint, privateKey),
}

// It ends no connection, however long it is kept from looking after them.
const server = createServer(
  { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 600_000 },
  (_, response) => response.end('ok'),
)

async function cycle() {
  for (const job of [up, down]) {
    if (job === undefined) await delay(IDLE_MS)
    else await transfers[job.transfer](clients, job)
  }
}

process.on('message', async ({ cycles }) => {
  const ticks = new EventLoopTicks()
  ticks.start()
  try {
    for (let done = 0; done < cycles; done++) await cycle()
  } catch (error) {
    process.send({ error: error.stack })
    return
  }
  const times = ticks.stop()
  const seconds = (times.at(-1) - times[0]) / 1000
  process.send({ seconds, lagP99Ms: waitAt(times, 0.99), lagMaxMs: waitAt(times, 1) })
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
