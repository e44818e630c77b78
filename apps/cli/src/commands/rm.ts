import type { CryptoBucket } from '@oss-cse/bucket'
import { MAX_DELETED_KEYS } from '@oss-cse/crypto-core/internal'
import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError } from '../base/cli-error.ts'
import { keylessKeyring } from '../keys/keyless-keyring.ts'
import { counted } from '../output/counted.ts'
import { JsonListWriter } from '../output/json-list-writer.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../output/report.ts'
import { openBucket } from '../server/open-bucket.ts'
import { formatOssUrl, type OssUrl, parseObjectUrl, parsePrefixUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags, serverConfig } from '../server/server-options.ts'

interface RmFlags extends ServerFlags, ReportFlags {
  readonly recursive?: boolean
}

/** Adds `oss-cse rm`. */
export function addRm(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('rm')
    .description('delete objects; one that does not exist counts as deleted')
    .argument('<url...>', 'oss://BUCKET/KEY, or with --recursive oss://BUCKET/PREFIX')
    .option(
      '--recursive',
      'delete every object whose key begins with the prefix; oss://BUCKET/ means all of them',
    )
  addReportOptions(addServerOptions(command))
    .addHelpText(
      'after',
      '\nFields of --json: deleted (URLs), deletedCount, existenceChecked (true only with --recursive)',
    )
    .action((urls: string[], flags: RmFlags) => rm(urls, flags, cli))
}

async function rm(urls: readonly string[], flags: RmFlags, cli: CliEnvironment): Promise<void> {
  const targets = urls.map((url) =>
    flags.recursive ? parsePrefixUrl(url, 'delete everything') : parseObjectUrl(url),
  )
  serverConfig(flags, cli)
  const list = flags.json ? new JsonListWriter(cli, {}, 'deleted') : undefined
  let deletedCount = 0
  // Only objects that were listed are known to have existed.
  const existenceChecked = flags.recursive === true
  try {
    for (const [name, keys] of byBucket(targets)) {
      const bucket = await openBucket(cli, flags, name, { keyring: keylessKeyring() })
      const wanted = flags.recursive ? keysBehind(bucket, keys, cli.signal) : keys
      for await (const batch of batches(wanted)) {
        const unique = [...new Set(batch)]
        const deleted = await deleteBatch(bucket, unique, cli.signal)
        for (const key of deleted) {
          await list?.add(formatOssUrl({ bucket: name, key }))
          deletedCount++
        }
        const left = unique.find((key) => !deleted.has(key))
        if (left !== undefined) {
          throw new CliError(
            'service',
            `The service did not delete ${formatOssUrl({ bucket: name, key: left })}. Run the same command again.`,
          )
        }
      }
    }
    await list?.end({ deletedCount, existenceChecked })
  } catch (error) {
    throw list?.fail(error) ?? error
  }
  if (list === undefined) await reportDone(cli, flags, {}, doneText(targets, deletedCount, existenceChecked))
}

function doneText([first]: readonly OssUrl[], count: number, existenceChecked: boolean): string {
  if (existenceChecked) return `Deleted ${counted(count, 'object')}.`
  return count === 1 && first !== undefined
    ? `Deleted ${formatOssUrl(first)}, or it did not exist.`
    : `Deleted ${count} objects, or they did not exist.`
}

function byBucket(targets: readonly OssUrl[]): Map<string, string[]> {
  const buckets = new Map<string, string[]>()
  for (const { bucket, key } of targets) buckets.set(bucket, [...(buckets.get(bucket) ?? []), key])
  return buckets
}

async function* keysBehind(
  bucket: CryptoBucket,
  prefixes: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  for (const prefix of prefixes) {
    for await (const entry of bucket.list({ prefix, signal })) if (entry.type === 'object') yield entry.key
  }
}

async function* batches(
  keys: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<readonly string[], void, undefined> {
  let batch: string[] = []
  for await (const key of keys) {
    batch.push(key)
    if (batch.length < MAX_DELETED_KEYS) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Deletes keys of one bucket, and returns those whose deletion the service confirmed. */
async function deleteBatch(
  bucket: CryptoBucket,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const [only] = keys
  if (keys.length !== 1 || only === undefined) return new Set(await bucket.deleteMany(keys, { signal }))
  await bucket.delete(only, { signal })
  return new Set(keys)
}
