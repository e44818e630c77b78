import { changingFile } from './changing-file.js'
import { copiedCheckpoints } from './copied-checkpoints.js'
import { exits } from './exits.js'
import { fleetAudit } from './fleet-audit.js'
import { fleetMigrate } from './fleet-migrate.js'
import { fleetRotate } from './fleet-rotate.js'
import { fullDisk } from './full-disk.js'
import { killDownloads } from './kill-downloads.js'
import { killUploads } from './kill-uploads.js'
import { lostWorkers } from './lost-workers.js'
import { soak } from './soak.js'
import { stopped } from './stopped.js'
import { twice } from './twice.js'

/**
 * Everything that a transfer has to survive, by name.
 *
 * @type {Record<string, (options: import('../index.js').SurvivalOptions) => Promise<import('../index.js').Outcome>>}
 */
export const scenarios = {
  'kill-uploads': killUploads,
  'kill-downloads': killDownloads,
  soak,
  'lost-workers': lostWorkers,
  stopped,
  exits,
  'full-disk': fullDisk,
  twice,
  'changing-file': changingFile,
  'copied-checkpoints': copiedCheckpoints,
  'fleet-audit': fleetAudit,
  'fleet-rotate': fleetRotate,
  'fleet-migrate': fleetMigrate,
}
