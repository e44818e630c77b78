import type { AcceptedFormats, PlainObjectPolicy } from '@oss-cse/bucket'
import type { ContentFormat } from '@oss-cse/crypto-core'
import type { RunSettings } from '@oss-cse/fleet'
import * as v from 'valibot'
import { configurationError } from '../base/cli-error.ts'
import type { ServerFlags } from '../server/server-options.ts'

const Texts = v.record(v.string(), v.string())
const Index = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** What names a master key: all of it is public. */
const KeyNameSchema = v.strictObject({
  wrapAlgorithm: v.string(),
  materialDescription: Texts,
  keyIdentity: v.exactOptional(v.string()),
})

const PlaceSchema = v.variant('mode', [
  v.strictObject({ mode: v.literal('versioned') }),
  v.strictObject({ mode: v.literal('unversioned') }),
  v.strictObject({ mode: v.literal('into'), bucket: v.string() }),
])

const SettingsSchema = v.strictObject({
  format: v.literal(1),
  bucket: v.string(),
  prefix: v.string(),
  server: v.strictObject({
    endpoint: v.exactOptional(v.string()),
    region: v.string(),
    addressing: v.exactOptional(v.picklist(['virtual', 'path', 'cname'])),
    signature: v.exactOptional(v.picklist(['v4', 'v1'])),
  }),
  report: v.exactOptional(v.string()),
  redactKeys: v.exactOptional(v.string()),
  inventory: v.exactOptional(v.string()),
  dryRun: v.exactOptional(v.literal(true)),
  limit: v.exactOptional(Count),
  lastKey: v.exactOptional(v.string()),
  retryOf: v.exactOptional(v.string()),
  retryShards: v.exactOptional(v.array(Index)),
  accept: v.exactOptional(v.picklist(['any', 'sealed'])),
  onPlainObject: v.exactOptional(v.picklist(['reject', 'passthrough'])),
  keys: v.exactOptional(v.array(KeyNameSchema)),
  target: v.exactOptional(KeyNameSchema),
  newContentKey: v.exactOptional(v.literal(true)),
  contentFormat: v.exactOptional(v.picklist(['aes-ctr', 'sealed'])),
  keepLastModified: v.exactOptional(v.literal(true)),
  place: v.exactOptional(PlaceSchema),
}) satisfies v.GenericSchema<unknown, FleetSettings>

/** What names a master key in the settings of a run: nothing of it is secret. */
export interface KeyName {
  readonly wrapAlgorithm: string
  readonly materialDescription: Readonly<Record<string, string>>
  readonly keyIdentity?: string
}

/** Where rotate and migrate write. */
export type Place =
  | { readonly mode: 'versioned' | 'unversioned' }
  | { readonly mode: 'into'; readonly bucket: string }

/**
 * What each worker of a run must know. It is stored with the run, in a database that others may read: it contains no
 * credential and no key.
 */
export interface FleetSettings {
  readonly format: 1
  readonly bucket: string
  readonly prefix: string
  readonly server: Required<Pick<ServerFlags, 'region'>> & ServerFlags
  /** The directory or URL of `--report`. Absent: in the directory of the run. */
  readonly report?: string
  /** How keys are hidden: by a secret of the embedded run (`own`), or by one that all machines have, of which this is a check. */
  readonly redactKeys?: string
  /** The URL of the manifest of an inventory, by which the run is planned. */
  readonly inventory?: string
  /** Rotate and migrate write nothing. */
  readonly dryRun?: true
  readonly limit?: number
  /** The last key of a limited run. */
  readonly lastKey?: string
  /** An earlier run whose failures are repeated. */
  readonly retryOf?: string
  /** The shards that cover what failed there. The others are gaps. */
  readonly retryShards?: readonly number[]
  readonly accept?: AcceptedFormats
  readonly onPlainObject?: PlainObjectPolicy
  /** All keys of the command that began the run. */
  readonly keys?: readonly KeyName[]
  /** The key that encrypts, of rotate and migrate. */
  readonly target?: KeyName
  readonly newContentKey?: true
  /** How rotate and migrate encrypt. */
  readonly contentFormat?: ContentFormat
  readonly keepLastModified?: true
  readonly place?: Place
}

/**
 * Checks the settings of a run that this program, or another version of it, has stored.
 *
 * @throws CliError of kind `configuration` that names the run
 */
export function parseRunSettings(runId: string, settings: RunSettings): FleetSettings {
  const parsed = v.safeParse(SettingsSchema, settings)
  if (parsed.success) return parsed.output
  throw configurationError(
    `The run ${runId} was made by another version of oss-cse, or by another program. Use that version.`,
  )
}
