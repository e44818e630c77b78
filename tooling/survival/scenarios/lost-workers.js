import { Child } from '../child.js'
import { Findings } from '../findings.js'
import { Site } from '../site.js'

const PART_KIB = 256

/**
 * Worker threads that end at random moments of uploads and downloads: each transfer arrives intact, or is refused and
 * then resumes, and no two ciphertexts ever go out for one part of one upload.
 *
 * @param {{ losing: number, seed: number }} options
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function lostWorkers({ losing, seed }) {
  const findings = new Findings()
  const site = await Site.open({ partKiB: PART_KIB })
  const directory = site.workspace.path('transfers')
  const child = new Child(new URL('../lost-workers-child.js', import.meta.url), [
    JSON.stringify({ access: site.access, directory, losing, seed }),
  ])
  try {
    const outcome = await outcomeOf(child, site)
    const { conflicts } = site.tap
    findings.expect(conflicts.length === 0, `two ciphertexts went out for ${conflicts}`)
    const pending = await site.pendingUploads('')
    findings.expect(pending.length === 0, `${pending.length} uploads were left on the server`)
    return { ...outcome, failures: [...outcome.failures, ...findings.outcome('lost-workers').failures] }
  } finally {
    await child.stop()
    await site.close()
  }
}

/** Lets go of what serves nothing, whenever the child asks, until it is done. */
async function outcomeOf(child, site) {
  for (;;) {
    const message = await child.receive()
    if (message !== 'settle') return message
    await site.tap.settle()
    child.send('settled')
  }
}
