import type { ListEntry } from '@oss-cse/bucket'
import { printable } from '@oss-cse/crypto-core/internal'
import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { keylessKeyring } from '../keys/keyless-keyring.ts'
import { JsonListWriter } from '../output/json-list-writer.ts'
import { addReportOptions, isoSeconds, type ReportFlags } from '../output/report.ts'
import { writeChunk } from '../output/stream-writer.ts'
import { openBucket } from '../server/open-bucket.ts'
import { formatOssUrl, parseOssUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags } from '../server/server-options.ts'

interface LsFlags extends ServerFlags, ReportFlags {
  readonly recursive?: boolean
}

/** Adds `oss-cse ls`. */
export function addLs(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('ls')
    .description('list objects: size in bytes, date and URL')
    .argument('<url>', 'oss://BUCKET or oss://BUCKET/PREFIX')
    .option('--recursive', 'also list what is behind the next slash')
  addReportOptions(addServerOptions(command))
    .addHelpText(
      'after',
      '\nFields of --json: bucket, prefix, recursive, objects (key, sizeBytes, etag, lastModified, storageClass), prefixes',
    )
    .action((url: string, flags: LsFlags) => ls(url, flags, cli))
}

async function ls(url: string, flags: LsFlags, cli: CliEnvironment): Promise<void> {
  const { bucket: bucketName, key: prefix } = parseOssUrl(url)
  const bucket = await openBucket(cli, flags, bucketName, { keyring: keylessKeyring() })
  const recursive = flags.recursive === true
  const entries = bucket.list({ prefix, ...(!recursive && { delimiter: '/' }), signal: cli.signal })
  if (!flags.json) {
    for await (const entry of entries) await writeChunk(cli.stdout, entryLine(entry, bucketName), cli.signal)
    return
  }
  const prefixes: string[] = []
  const list = new JsonListWriter(cli, { bucket: bucketName, prefix, recursive }, 'objects')
  try {
    for await (const { type, ...entry } of entries) {
      if ('prefix' in entry) prefixes.push(entry.prefix)
      else await list.add(entry)
    }
    await list.end({ prefixes })
  } catch (error) {
    throw list.fail(error)
  }
}

function entryLine(entry: ListEntry, bucket: string): string {
  const [size, date, key] =
    entry.type === 'prefix'
      ? ['', '', entry.prefix]
      : [String(entry.sizeBytes), isoSeconds(entry.lastModified), entry.key]
  return `${size.padStart(14)}  ${date.padEnd(20)}  ${printable(formatOssUrl({ bucket, key }))}\n`
}
