import type { ContentFormat, Keyring, MasterKeyProvider } from '@oss-cse/crypto-core'
import { equalDescriptions, isEmptyDescription, printable } from '@oss-cse/crypto-core/internal'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { configurationError, usageError } from '../base/cli-error.ts'
import { type KeyFlags, type LoadedKeys, requireKeys } from '../keys/key-options.ts'
import { confirm } from '../output/confirm.ts'
import { writeChunk } from '../output/stream-writer.ts'
import { formatOssUrl, parseOssUrl, parsePrefixUrl } from '../server/oss-url.ts'
import { serverConfig } from '../server/server-options.ts'
import { checkPlace } from './check-place.ts'
import type { RewriteFlags } from './fleet-options.ts'
import { keyName, nameText } from './key-names.ts'
import type { FleetSettings, Place } from './run-settings.ts'
import { startRun } from './start-run.ts'

/** The flags of `oss-cse fleet rotate`. */
export interface RotateFlags extends RewriteFlags, KeyFlags {
  readonly to: string
  readonly newContentKey?: boolean
  readonly format?: ContentFormat
}

/** The flags of `oss-cse fleet migrate`. */
export interface MigrateFlags extends RewriteFlags, KeyFlags {
  readonly format?: ContentFormat
}

/** A run that writes objects. */
interface Rewrite {
  readonly command: 'rotate' | 'migrate'
  readonly url: string
  readonly flags: RewriteFlags
  readonly keyring: Keyring
  readonly own: Partial<FleetSettings>
  /** What a person should know before it starts, in addition to where it writes. */
  readonly notes: readonly string[]
}

/** Starts or continues a rotation. */
export async function startRotation(url: string, flags: RotateFlags, cli: CliEnvironment): Promise<void> {
  const { to, newContentKey, format } = flags
  if (format !== undefined && !newContentKey) {
    throw usageError(
      '--format requires --new-content-key: only content that is encrypted again can have another format.',
    )
  }
  const keys = await requireKeys(flags, cli)
  const target = targetOf(keys, to)
  checkTarget(keys.keyring, target, to, newContentKey === true)
  const keyring = keys.encryptingWith?.(target) ?? keys.keyring
  const own: Partial<FleetSettings> = {
    target: keyName(target),
    ...(newContentKey && { newContentKey }),
    ...(format !== undefined && { contentFormat: format }),
  }
  const notes = [
    `The target is the material ${JSON.stringify(to)}: ${nameText(keyName(target))}.`,
    newContentKey
      ? `Each object is decrypted, and encrypted under a fresh content key${format === undefined ? '' : ` (${format})`}.`
      : 'The content keys stay: after a leak, that is not enough (--new-content-key).',
    ...(!newContentKey && isKms(target) ? ['The content keys are sent to KMS, which encrypts them.'] : []),
  ]
  await startRewrite({ command: 'rotate', url, flags, keyring, own, notes }, cli)
}

/** Starts or continues a migration. */
export async function startMigration(url: string, flags: MigrateFlags, cli: CliEnvironment): Promise<void> {
  const { keyring, format: named } = await requireKeys(flags, cli)
  const contentFormat = flags.format ?? named
  const own: Partial<FleetSettings> = {
    target: keyName(keyring.encrypting),
    ...(contentFormat !== undefined && { contentFormat }),
  }
  const notes = [
    `The key is ${nameText(keyName(keyring.encrypting))}; the format is ${contentFormat ?? 'aes-ctr'}.`,
    'Objects that are encrypted already are not written.',
  ]
  await startRewrite({ command: 'migrate', url, flags, keyring, own, notes }, cli)
}

async function startRewrite(rewrite: Rewrite, cli: CliEnvironment): Promise<void> {
  const { command, url, flags, keyring, notes } = rewrite
  const { keepLastModified, dryRun, yes } = flags
  const source = parsePrefixUrl(url, `${command} everything`)
  const place = placeOf(flags, source.bucket)
  const bucket = place.mode === 'into' ? place.bucket : source.bucket
  await checkPlace(place, bucket, await cli.openTransport(serverConfig(flags, cli), bucket), {
    signal: cli.signal,
  })
  const own: Partial<FleetSettings> = {
    ...rewrite.own,
    place,
    ...(keepLastModified && { keepLastModified }),
    ...(dryRun && { dryRun }),
  }
  if (!dryRun && !yes) {
    const lines = [`${command} ${formatOssUrl(source)}: ${placeText(place, command)}`, ...notes]
    await writeChunk(cli.stderr, lines.map((line) => `${printable(line)}\n`).join(''), cli.signal)
    await confirm(cli, 'Start?')
  }
  await startRun({ command, url, flags, own, keyring }, cli)
}

/** Finds the material that `--to` names. */
function targetOf({ materials }: LoadedKeys, name: string): MasterKeyProvider {
  if (materials === undefined) {
    throw usageError('--to names a material of a keyring file: give --keyring (or OSS_CSE_KEYRING).')
  }
  const target = materials.get(name)
  if (target !== undefined) return target
  const known = [...materials.keys()].map((key) => JSON.stringify(key)).join(', ')
  throw usageError(`--to: unknown material ${JSON.stringify(name)}. Known materials: ${known}`)
}

/** Refuses a target by which it could not be told which objects are done. */
function checkTarget(
  keyring: Keyring,
  target: MasterKeyProvider,
  name: string,
  newContentKey: boolean,
): void {
  const { materialDescription, envelopeVersion, wrap } = target
  const material = `The material ${JSON.stringify(name)}`
  if (isEmptyDescription(materialDescription)) {
    throw configurationError(
      `${material} has no "materialDescription", so nothing would tell which objects are done. Give it one.`,
    )
  }
  const others = keyring.providers.filter((provider) => provider !== target)
  if (others.some((other) => equalDescriptions(other.materialDescription, materialDescription))) {
    throw configurationError(
      `${material} has the same "materialDescription" as another one, so nothing would tell which objects are done. Give each its own.`,
    )
  }
  if (!newContentKey && (wrap === undefined || envelopeVersion === 1)) {
    throw configurationError(
      `${material} cannot wrap a content key that exists. Choose another one, or --new-content-key.`,
    )
  }
}

function isKms({ wrapAlgorithm }: MasterKeyProvider): boolean {
  return wrapAlgorithm.startsWith('KMS/')
}

function placeOf({ into, writersArePaused }: RewriteFlags, source: string): Place {
  if (into === undefined) return { mode: writersArePaused ? 'unversioned' : 'versioned' }
  const { bucket, key } = parseOssUrl(into)
  if (key !== '')
    throw usageError('--into takes a bucket alone: the objects keep their keys. Write oss://BUCKET.')
  if (bucket === source) throw usageError('--into names the bucket of the objects itself. Name another one.')
  return { mode: 'into', bucket }
}

function placeText(place: Place, command: Rewrite['command']): string {
  switch (place.mode) {
    case 'versioned':
      return `each object is stored as a new version. Older versions stay as they are, ${command === 'migrate' ? 'NOT encrypted' : 'under the old key'}, until you delete them.`
    case 'unversioned':
      return 'each object is overwritten. THE BUCKET KEEPS NO VERSIONS: what others write meanwhile can get lost.'
    case 'into':
      return `the objects are written into oss://${place.bucket}. The source is only read.`
  }
}
