import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { requireFleetNode } from '../fleet/require-node.ts'
import { addFleetAudit } from './fleet/audit.ts'
import { addFleetMigrate } from './fleet/migrate.ts'
import { addFleetCancel, addFleetPause, addFleetResume } from './fleet/pause.ts'
import { addFleetReport } from './fleet/report.ts'
import { addFleetRotate } from './fleet/rotate.ts'
import { addFleetStatus } from './fleet/status.ts'
import { addFleetVerify } from './fleet/verify.ts'
import { addFleetWorker } from './fleet/worker.ts'

/** Adds `oss-cse fleet` and its commands. What they need is loaded when one of them runs. */
export function addFleet(program: Command, cli: CliEnvironment): void {
  const fleet = program
    .command('fleet')
    .description(
      'audit, verify, rotate or migrate all objects of a bucket, on one machine or on many; can be continued',
    )
    .hook('preAction', () => requireFleetNode())
  addFleetAudit(fleet, cli)
  addFleetVerify(fleet, cli)
  addFleetRotate(fleet, cli)
  addFleetMigrate(fleet, cli)
  addFleetWorker(fleet, cli)
  addFleetStatus(fleet, cli)
  addFleetPause(fleet, cli)
  addFleetResume(fleet, cli)
  addFleetCancel(fleet, cli)
  addFleetReport(fleet, cli)
}
