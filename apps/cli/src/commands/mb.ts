import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../output/report.ts'
import { parseOssUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags, serverConfig } from '../server/server-options.ts'

interface MbFlags extends ServerFlags, ReportFlags {}

/** Adds `oss-cse mb`. */
export function addMb(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('mb')
    .description('make a bucket; one that is yours already stays as it is')
    .argument('<url>', 'oss://BUCKET')
  addReportOptions(addServerOptions(command))
    .addHelpText('after', '\n--json: bucket')
    .action((url: string, flags: MbFlags) => mb(url, flags, cli))
}

async function mb(url: string, flags: MbFlags, cli: CliEnvironment): Promise<void> {
  const { bucket, key } = parseOssUrl(url)
  if (key !== '') throw usageError(`${url} names more than a bucket: write oss://BUCKET.`)
  const transport = await cli.openTransport(serverConfig(flags, cli), bucket)
  await transport.createBucket({ signal: cli.signal })
  // The service answers the same where the bucket was there and is one's own.
  await reportDone(cli, flags, { bucket }, `The bucket ${bucket} is yours: made now, or before.`)
}
