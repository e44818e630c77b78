import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const POLL_MS = 50
const PATIENCE_MS = 10_000

/**
 * @typedef {object} Held - what a process holds
 * @property {readonly string[]} descriptors - what its file descriptors are; empty where the system does not tell
 * @property {Readonly<Record<string, number>>} resources - what keeps its event loop alive, by kind
 */

/** @returns {Held} */
export function heldResources() {
  const resources = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return { descriptors: descriptors(), resources }
}

/**
 * What is held beyond what was held before, once nothing of it goes away any more.
 *
 * @param {Held} before
 * @returns {Promise<string[]>}
 */
export async function leakedSince(before) {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const leaked = beyond(before, heldResources())
    if (leaked.length === 0 || performance.now() > deadline) return leaked
    await delay(POLL_MS)
  }
}

/** The heap in MiB after a collection. */
export function heapMiB() {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20)
}

function beyond(before, after) {
  const leaked = []
  if (after.descriptors.length > before.descriptors.length) {
    const more = after.descriptors.length - before.descriptors.length
    leaked.push(`${more} file descriptors more, of ${after.descriptors.join(', ')}`)
  }
  for (const [kind, count] of Object.entries(after.resources)) {
    // The timer of the wait itself.
    const known = (before.resources[kind] ?? 0) + (kind === 'Timeout' ? 1 : 0)
    if (count > known) leaked.push(`${count - known} ${kind}`)
  }
  return leaked
}

function descriptors() {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`)
    } catch {
      // That of the directory that was just read.
      return 'closed'
    }
  })
}
