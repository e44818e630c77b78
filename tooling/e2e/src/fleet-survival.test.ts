import { fleetAudit, fleetMigrate, fleetRotate, type Outcome } from '@oss-cse/survival'
import { expect, test } from 'vitest'

const TIMEOUT_MS = 600_000
/** Another one makes other choices: `node tooling/survival/survive.js --only fleet-audit --seed N`. */
const SEED = 20_261_130

/** What happens to each run, whatever the machine. */
const DISRUPTIONS = {
  'processes killed': 2,
  'processes stopped for longer than the lease': 1,
  'restarts of the database': 1,
  'processes killed, embedded': 2,
}

/** Runs a scenario. Without PostgreSQL, only the embedded run is tried; in CI that is a failure. */
async function expectSurvival(
  scenario: (options: { readonly keys: number; readonly seed: number }) => Promise<Outcome>,
  keys: number,
  skip: (note?: string) => void,
): Promise<void> {
  const { counts, failures, skipped } = await scenario({ keys, seed: SEED })
  expect(failures).toEqual([])
  if (skipped !== undefined) skip(skipped)
  expect(counts).toMatchObject(DISRUPTIONS)
}

test.concurrent(
  'an audit reports each object once, although processes are killed and stopped, requests fail, and a writer changes objects',
  {
    timeout: TIMEOUT_MS,
  },
  ({ skip }) => expectSurvival(fleetAudit, 800, skip),
)

test.concurrent(
  'a rotation loses no write and no setting, and all is under the new key, although processes are killed and stopped',
  {
    timeout: TIMEOUT_MS,
  },
  ({ skip }) => expectSurvival(fleetRotate, 600, skip),
)

test.concurrent(
  'a migration loses no write and no setting, and all is encrypted, although processes are killed and stopped',
  {
    timeout: TIMEOUT_MS,
  },
  ({ skip }) => expectSurvival(fleetMigrate, 600, skip),
)
