// Loaded before the command line (`--import`): tells what the process has used when it ends.
import { writeFileSync } from 'node:fs'

process.once('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const usage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakRssMiB: maxRSS / 1024 }
  writeFileSync(`${process.env.FLEET_USAGE}-${process.pid}`, JSON.stringify(usage))
})
