import { Child } from '../child.js'
import { privateMounts } from '../mounts.js'
import { Workspace } from '../workspace.js'

/**
 * Disks that are full, become full or cannot be written: a clear error, nothing half-written, and the same command goes
 * on when there is space again.
 *
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function fullDisk() {
  const prefix = privateMounts()
  const mode = prefix === undefined ? 'without-mounts' : 'with-mounts'
  // Whatever ends the child, what it leaves is removed with this.
  const workspace = new Workspace()
  const env = { TMPDIR: workspace.directory }
  const child = new Child(new URL('../full-disk-child.js', import.meta.url), [mode], { prefix, env })
  try {
    const outcome = await child.receive()
    if (prefix !== undefined) return outcome
    return { ...outcome, skipped: 'no file system may be mounted here: only what needs none was tried' }
  } finally {
    await child.stop()
    workspace.close()
  }
}
