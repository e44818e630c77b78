import { type BucketTransport, CryptoBucket } from '@oss-cse/bucket'
import type { Keyring, ObjectCatalog, ObjectTransport } from '@oss-cse/crypto-core'
import {
  auditShard,
  type FleetCommand,
  type FleetTransport,
  type IntentStore,
  migrateShard,
  type PlacementChoice,
  type ReportRow,
  rotateShard,
  type Shard,
  type throttledTransport,
  verifyShard,
} from '@oss-cse/fleet'
import type { CliTransport } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'
import type { FleetSettings } from './run-settings.ts'

/** A transport whose requests wait for the throttle of this process. */
type LimitedTransport = ReturnType<typeof throttledTransport<CliTransport>>

/** What the work on the objects of a run uses. */
export interface RowTools {
  readonly runId: string
  readonly settings: FleetSettings
  readonly transport: LimitedTransport
  readonly catalog: Pick<ObjectCatalog, 'list'>
  readonly keyring: Keyring | undefined
  /** The bucket to write into, if that is another one. */
  readonly into: LimitedTransport | undefined
  /** Where the run keeps what it is about to write. */
  readonly intents: IntentStore
  /** The number of objects of a shard to work on at the same time. */
  readonly parallel: number
}

/** Does the work of a command on the objects of a shard. Returns the rows of the report. */
export type ShardRows = (shard: Shard, signal: AbortSignal) => AsyncIterable<ReportRow>

/**
 * Returns what a command does with each shard.
 *
 * @throws CliError of kind `configuration` for a command that this version does not know
 */
export function shardRows(command: FleetCommand, tools: RowTools): ShardRows {
  const { settings, transport, catalog, parallel, keyring } = tools
  const { prefix } = settings
  if (command === 'audit') {
    return (shard, signal) =>
      auditShard(shard, { catalog, transport: transport as ObjectTransport, prefix, parallel, signal })
  }
  if (command === 'verify' && keyring !== undefined) {
    const { accept, onPlainObject = 'reject' } = settings
    const bucket = new CryptoBucket({
      transport: transport as BucketTransport,
      keyring,
      accept,
      onPlainObject,
    })
    return (shard, signal) => verifyShard(shard, { catalog, bucket, prefix, parallel, signal })
  }
  if ((command === 'rotate' || command === 'migrate') && keyring !== undefined) {
    const { newContentKey, contentFormat: format, keepLastModified, dryRun } = settings
    const options = {
      // Only its listing ends at the last key of a limited run.
      transport: { ...transport, list: catalog.list } as FleetTransport,
      keyring,
      placement: placementOf(tools),
      intents: tools.intents,
      prefix,
      parallel,
      format,
      keepLastModified,
      dryRun,
    }
    return (shard, signal) =>
      command === 'rotate'
        ? rotateShard(shard, { ...options, newContentKey, signal })
        : migrateShard(shard, { ...options, signal })
  }
  throw configurationError(`This version of oss-cse cannot work on a run of \`${command}\`.`)
}

/** Where a run that writes in place without versions stores objects before they are copied to their keys. */
export function temporaryPrefix(runId: string): string {
  return `.oss-cse/${runId}/`
}

function placementOf({ runId, settings: { place }, into }: RowTools): PlacementChoice {
  if (place?.mode === 'into' && into !== undefined) return { mode: 'into', transport: into as FleetTransport }
  if (place?.mode === 'unversioned') {
    return { mode: 'unversioned', writersArePaused: true, temporaryPrefix: temporaryPrefix(runId) }
  }
  return { mode: 'versioned' }
}
