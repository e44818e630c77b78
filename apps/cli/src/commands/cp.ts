import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { keylessKeyring } from '../keys/keyless-keyring.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../output/report.ts'
import { lastSegment } from '../server/last-segment.ts'
import { openBucket } from '../server/open-bucket.ts'
import { formatOssUrl, parseObjectUrl, parseTargetUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags } from '../server/server-options.ts'

interface CpFlags extends ServerFlags, ReportFlags {}

/** Adds `oss-cse cp`. */
export function addCp(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('cp')
    .description('copy an object on the server, with its envelope and metadata; needs no key')
    .argument('<source>', 'oss://BUCKET/KEY')
    .argument(
      '<target>',
      "oss://BUCKET/KEY in the same region; if it ends with a slash or is only a bucket, the source's name is added",
    )
  addReportOptions(addServerOptions(command))
    .addHelpText('after', '\nFields of --json: source, target (URLs)')
    .action((source: string, target: string, flags: CpFlags) => cp(source, target, flags, cli))
}

async function cp(source: string, target: string, flags: CpFlags, cli: CliEnvironment): Promise<void> {
  const from = parseObjectUrl(source)
  const to = parseTargetUrl(target, lastSegment(from.key))
  const bucket = await openBucket(cli, flags, to.bucket, { keyring: keylessKeyring() })
  await bucket.copy(from.key, to.key, {
    ...(from.bucket !== to.bucket && { sourceBucket: from.bucket }),
    signal: cli.signal,
  })
  const copy = formatOssUrl(to)
  await reportDone(cli, flags, { source, target: copy }, `Copied ${source} to ${copy}.`)
}
