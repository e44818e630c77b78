import { readFileSync } from 'node:fs'

/** The kernel tells programs times in hundredths of a second, whatever its own clock (`USER_HZ`). */
export const TICKS_PER_SECOND = 100

/**
 * What another process has used so far, as Linux counts it: the same for all languages.
 *
 * @param {number} pid
 * @returns {{ cpuSeconds: number, peakRssMiB: number }} user and system time of all its threads, those that ended
 *   too; and the most memory it ever had resident
 */
export function processUsage(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // From the third field on: the second is the program's name, in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = fields.slice(11, 13).map(Number)
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return { cpuSeconds: (user + system) / TICKS_PER_SECOND, peakRssMiB: Number(kibibytes) / 1024 }
}
