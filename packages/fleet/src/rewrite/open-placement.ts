import {
  type CallOptions,
  CseError,
  hasObjectSettings,
  hasVersionCatalog,
  type MultipartTransport,
  type ObjectCatalog,
  type ObjectSettings,
  type ObjectTransport,
  type VersionCatalog,
} from '@oss-cse/crypto-core'
import type { IntentLog } from '../placement/intent-log.ts'
import { OtherBucketPlacement } from '../placement/other-bucket-placement.ts'
import { PausedWritersPlacement } from '../placement/paused-writers-placement.ts'
import type { Placement } from '../placement/placement.ts'
import { VersionedPlacement } from '../placement/versioned-placement.ts'

/** The transport of the bucket whose objects are rewritten. It must have the ports that the placement needs. */
export type FleetTransport = ObjectTransport &
  ObjectCatalog &
  Partial<MultipartTransport & VersionCatalog & ObjectSettings>

/**
 * How new content gets to its key:
 * - `versioned`: as a new version, in a bucket that keeps versions. A write of somebody else is never lost: if one came between, the
 *   new version is removed again. Readers may see the older content for a moment.
 * - `into`: in another bucket, which never kept versions. The source is only read. What is in the other bucket is never overwritten.
 * - `unversioned`: in place, in a bucket without versions. The service cannot exclude that a write of somebody else is lost, so it
 *   is your statement that there are none: pause all writers before, and until the run is over.
 */
export type PlacementChoice =
  | { readonly mode: 'versioned' }
  | { readonly mode: 'into'; readonly transport: FleetTransport }
  | {
      readonly mode: 'unversioned'
      readonly writersArePaused: true
      /**
       * Objects are first stored under this prefix, such as `.oss-cse/RUN/`. Keys under it do not belong to the run: give it to the
       * planner too.
       */
      readonly temporaryPrefix: string
    }

/**
 * Opens a placement, after a check that the bucket is one for it.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for an unknown choice; `ERR_CSE_OPERATION_REFUSED` when the bucket or its transport
 * does not fit; what the transport throws
 */
export async function openPlacement(
  choice: PlacementChoice,
  transport: FleetTransport,
  log: IntentLog,
  options: CallOptions,
): Promise<Placement> {
  const placement = placementOf(choice, transport, log)
  await placement.checkBucket(options)
  return placement
}

function placementOf(choice: PlacementChoice, transport: FleetTransport, log: IntentLog): Placement {
  switch (choice?.mode) {
    case 'versioned':
      return new VersionedPlacement(withSettings(withVersions(transport)), log)
    case 'into':
      return new OtherBucketPlacement(withVersions(choice.transport))
    case 'unversioned':
      if (choice.writersArePaused !== true || !choice.temporaryPrefix) break
      return new PausedWritersPlacement(withVersions(transport), {
        log,
        temporaryPrefix: choice.temporaryPrefix,
      })
  }
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    "placement must be { mode: 'versioned' }, { mode: 'into', transport } or { mode: 'unversioned', writersArePaused: true, temporaryPrefix }.",
  )
}

function withVersions(transport: FleetTransport): FleetTransport & VersionCatalog {
  if (hasVersionCatalog(transport)) return transport
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    'The transport cannot tell whether the bucket keeps versions: it has no listVersions and no getVersioning.',
  )
}

/**
 * Returns the transport, if it can read what an object has in addition to its content.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`
 */
export function withSettings<Transport extends ObjectTransport & Partial<ObjectSettings>>(
  transport: Transport,
): Transport & ObjectSettings {
  if (hasObjectSettings(transport)) return transport
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    'The transport cannot read the ACL and the tags of objects, which would be lost: it has no getObjectAcl and no getObjectTags.',
  )
}
