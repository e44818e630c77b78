import { Child } from '../child.js'
import { Findings } from '../findings.js'
import { digest } from '../retried-transfer.js'
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
    const { outcome, arrived } = await endOf(child, site)
    await site.checkSent(findings, 'lost workers')
    for (const object of arrived) await checkArrived(object, site, findings)
    const pending = await site.pendingUploads('')
    findings.expect(pending.length === 0, `${pending.length} uploads were left on the server`)
    const { counts, failures } = findings.outcome('lost-workers')
    return {
      ...outcome,
      counts: { ...outcome.counts, ...counts },
      failures: [...outcome.failures, ...failures],
    }
  } finally {
    await child.stop()
    await site.close()
  }
}

/** Lets go of what serves nothing, whenever the child asks, until it is done. */
async function endOf(child, site) {
  for (;;) {
    const message = await child.receive()
    if (message !== 'settle') return message
    await site.tap.settle()
    child.send('settled')
  }
}

/** Whether an object is what was uploaded, by other means than those of its upload. */
async function checkArrived({ name, format, digest: expected }, site, findings) {
  const content = await site.content(name, format).catch(({ message }) => {
    findings.expect(false, `${name}: ${message}`)
  })
  if (content !== undefined) findings.expect(digest(content) === expected, `${name} is not what was uploaded`)
}
