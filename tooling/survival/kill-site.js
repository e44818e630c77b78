import { Site } from './site.js'

const PART_KIB = 256
/** So that a put takes as long. */
const PUT_CHUNK_MS = 3
const MIN_BYTES = 8 * 1024 ** 2
const MAX_BYTES = 12 * 1024 ** 2

/**
 * A site whose server is slow, so that most of a transfer's time is spent on its parts, and a file for it.
 *
 * @param {import('./random.js').Random} random
 */
export async function openKillSite(random) {
  const seed = random.integer(0, 2 ** 31 - 1)
  const faults = { rate: 0.8, seed, kinds: ['slow'], slowMs: 60 }
  const site = await Site.open({ partKiB: PART_KIB, faults, putChunkMs: PUT_CHUNK_MS })
  return { site, source: site.randomFile('source', random.integer(MIN_BYTES, MAX_BYTES)) }
}

/** How long a command takes that nobody kills. */
export async function undisturbed(command) {
  const began = performance.now()
  const { code, stderr } = await command.ended
  if (code !== 0) throw new Error(`A run that nobody killed failed (${code}): ${stderr}`)
  return performance.now() - began
}
