// Asks a server for next to nothing, again and again, from a process of its own: at fixed times, whether or not it has
// responded to the request before.
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { valueAt } from './event-loop-waits.js'

const INTERVAL_MS = 5
const WARM_UP = 100

const port = Number(process.argv[2])
const agent = new Agent({ keepAlive: true })

async function latencyMs() {
  const began = performance.now()
  const request = get({ host: '127.0.0.1', port, agent })
  const [response] = await once(request, 'response')
  response.resume()
  await once(response, 'end')
  return performance.now() - began
}

for (let done = 0; done < WARM_UP; done++) await latencyMs()
process.on('disconnect', () => process.exit())
process.send({ ready: true })

await once(process, 'message')
const fail = (error) => process.send({ error: error.stack })
const latencies = []
const timer = setInterval(() => latencies.push(latencyMs().catch(fail)), INTERVAL_MS)
await once(process, 'message')
clearInterval(timer)
const all = await Promise.all(latencies)
process.send({ requests: all.length, latencyP99Ms: valueAt(all, 0.99) })
