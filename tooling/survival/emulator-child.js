// An emulator in a process of its own, so that what it holds open does not count as its client's. At each message it says
// how many requests are still open when nothing more ends, and closes the connections that serve none.
import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import { startOssEmulator } from '@oss-cse/oss-emulator'

const POLL_MS = 50
const PATIENCE_MS = 10_000

const open = new Set()
let server
subscribe('http.server.request.start', ({ request, response, server: serving }) => {
  server = serving
  open.add(request)
  response.once('close', () => open.delete(request))
})

const { endpoint, region, accessKeyId, accessKeySecret, buckets } = await startOssEmulator({
  ...JSON.parse(process.argv[2]),
  maxRecordedRequests: 1,
})
process.send({ endpoint, region, accessKeyId, accessKeySecret, bucket: buckets[0] })
process.on('message', settle)
process.on('disconnect', () => process.exit())

async function settle() {
  const deadline = performance.now() + PATIENCE_MS
  while (open.size > 0 && performance.now() < deadline) await delay(POLL_MS)
  server?.closeIdleConnections()
  process.send({ open: [...open].map(({ method, url }) => `${method} ${url}`) })
}
