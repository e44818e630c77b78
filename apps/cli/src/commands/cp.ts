import type { Command } from 'commander'
import type { CliEnvironment } from '../cli-environment.ts'
import { lastSegment } from '../local-name.ts'
import { openBucket } from '../open-bucket.ts'
import { formatOssUrl, parseObjectUrl, parseTargetUrl } from '../oss-url.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../report.ts'
import { addServerOptions, type ServerFlags } from '../server-options.ts'

interface CpFlags extends ServerFlags, ReportFlags {}

/** Adds `oss-cse cp`. */
export function addCp(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('cp')
    .description('copy an object on the server, envelope and metadata included; needs no key')
    .argument('<source>', 'oss://BUCKET/KEY')
    .argument(
      '<target>',
      "oss://BUCKET/KEY, in the same region; with a slash at its end, or a bucket alone, the source's name is added",
    )
  addReportOptions(addServerOptions(command))
    .addHelpText('after', '\n--json: source, target (addresses)')
    .action((source: string, target: string, flags: CpFlags) => cp(source, target, flags, cli))
}

async function cp(source: string, target: string, flags: CpFlags, cli: CliEnvironment): Promise<void> {
  const from = parseObjectUrl(source)
  const to = parseTargetUrl(target, lastSegment(from.key))
  const bucket = await openBucket(cli, flags, to.bucket)
  await bucket.copy(from.key, to.key, {
    ...(from.bucket !== to.bucket && { sourceBucket: from.bucket }),
    signal: cli.signal,
  })
  const copy = formatOssUrl(to)
  await reportDone(cli, flags, { source, target: copy }, `Copied ${source} to ${copy}.`)
}
