// One measured transfer, in a process of its own: nothing of an earlier one is warm, and the peak of memory is this
// one's. Everything is loaded, built and tried once before the clock starts.
import { readFileSync } from 'node:fs'
import { dropInClient, encryptedBucket, plainClient } from './clients.js'
import { transfers } from './transfers.js'

/** @type {import('./measure.js').Job} */
const job = JSON.parse(process.argv[2])

/**
 * In MiB. On Linux not `resourceUsage().maxRSS`: that begins with the peak of the parent process, which the kernel
 * hands on (`exec_mmap` in fs/exec.c).
 */
function peakRssMiB() {
  if (process.platform === 'linux') {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
    return Number(kibibytes) / 1024
  }
  return process.resourceUsage().maxRSS / 1024
}

async function run() {
  // All, whichever is used: what is loaded counts as memory.
  const privateKey = readFileSync(job.privateKeyPath, 'utf8')
  const clients = {
    plain: plainClient(job.endpoint),
    dropIn: dropInClient(job.endpoint, privateKey),
    bucket: encryptedBucket(job.endpoint, privateKey),
  }
  const warmUp = 'warm-up'
  if (job.transfer.startsWith('plain-')) {
    await clients.plain.put(warmUp, Buffer.alloc(1))
    await clients.plain.get(warmUp)
  } else {
    await clients.bucket.put(warmUp, new Uint8Array(1))
    await clients.bucket.getBytes(warmUp)
  }
  const startRssMiB = process.memoryUsage().rss / 2 ** 20

  process.send({ ready: true })
  await new Promise((resolve) => process.once('message', resolve))
  const cpu = process.cpuUsage()
  const began = performance.now()
  const figures = await transfers[job.transfer](clients, job)
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  process.send({
    seconds,
    cpuSeconds: (user + system) / 1e6,
    startRssMiB,
    peakRssMiB: peakRssMiB(),
    ...figures,
  })
}

process.on('disconnect', () => process.exit())
run().catch((error) => process.send({ error: `${job.transfer}: ${error.stack}` }))
