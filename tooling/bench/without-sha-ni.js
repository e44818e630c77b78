import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Bit 29 of the second word: OpenSSL then takes the CPU for one without SHA extensions (OPENSSL_ia32cap(3)). */
const MASK = 'OPENSSL_ia32cap=:~0x20000000'

const SPEED = `
const hash = require('node:crypto').createHash('sha256')
const block = Buffer.alloc(1 << 20)
const before = process.cpuUsage()
for (let done = 0; done < 256; done++) hash.update(block)
hash.digest()
const { user, system } = process.cpuUsage(before)
console.log((256 * block.length) / (user + system))
`

/**
 * The command of a program of Node.js as it would run on a CPU without SHA-NI. It becomes that program: it keeps its
 * process id.
 *
 * @param {readonly string[]} command
 * @returns {readonly string[]}
 */
export function withoutShaNi(command) {
  return ['env', MASK, ...command]
}

/**
 * Shows that this works here: the megabytes of SHA-256 in a second of CPU, with all that the CPU has, and without.
 *
 * @returns {Promise<{ withShaNi: number, withoutShaNi: number }>}
 */
export async function sha256Speeds() {
  const speed = async ([program, ...args]) => Number((await execute(program, args)).stdout)
  const command = [process.execPath, '-e', SPEED]
  return { withShaNi: await speed(command), withoutShaNi: await speed(withoutShaNi(command)) }
}
