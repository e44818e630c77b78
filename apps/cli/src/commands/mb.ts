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
    .description('create a bucket; one that you already own stays as it is')
    .argument('<url>', 'oss://BUCKET')
  addReportOptions(addServerOptions(command))
    .addHelpText('after', '\nFields of --json: bucket')
    .action((url: string, flags: MbFlags) => mb(url, flags, cli))
}

async function mb(url: string, flags: MbFlags, cli: CliEnvironment): Promise<void> {
  const { bucket, key } = parseOssUrl(url)
  if (key !== '') throw usageError(`${url} names more than a bucket. Write oss://BUCKET.`)
  const transport = await cli.openTransport(serverConfig(flags, cli), bucket)
  await transport.createBucket({ signal: cli.signal })
  // The service sends the same response if you already own the bucket.
  await reportDone(cli, flags, { bucket }, `Created the bucket ${bucket}, or you already owned it.`)
}
