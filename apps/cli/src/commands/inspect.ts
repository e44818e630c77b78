import { contentFormat } from '@oss-cse/crypto-core'
import { summarizeEnvelope } from '@oss-cse/crypto-core/internal'
import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { keylessKeyring } from '../keys/keyless-keyring.ts'
import { addReportOptions, envelopeFields, fieldLines, type ReportFlags, show } from '../output/report.ts'
import { openBucket } from '../server/open-bucket.ts'
import { isOssUrl, parseObjectUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags } from '../server/server-options.ts'
import { readEnvelopeFile } from '../transfer/envelope-file.ts'

interface InspectFlags extends ServerFlags, ReportFlags {}

/** Adds `oss-cse inspect`. */
export function addInspect(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('inspect')
    .description('show how an object is encrypted and under which master key; needs no key')
    .argument('<what>', 'envelope file, as `encrypt --meta-out` writes it, or oss://BUCKET/KEY')
  addReportOptions(addServerOptions(command))
    .addHelpText('after', '\nFields of --json: source, encrypted, sealed, envelope')
    .action((what: string, flags: InspectFlags) => inspect(what, flags, cli))
}

async function inspect(source: string, flags: InspectFlags, cli: CliEnvironment): Promise<void> {
  const envelope = isOssUrl(source) ? await objectEnvelope(source, flags, cli) : await fileEnvelope(source)
  await show(
    cli,
    flags,
    {
      source,
      encrypted: envelope !== undefined,
      sealed: envelope !== undefined && contentFormat(envelope) === 'sealed',
      ...(envelope && { envelope }),
    },
    fieldLines([['source', source], ...envelopeFields(envelope)]),
  )
}

async function objectEnvelope(url: string, flags: InspectFlags, cli: CliEnvironment) {
  const { bucket: bucketName, key } = parseObjectUrl(url)
  const bucket = await openBucket(cli, flags, bucketName, { keyring: keylessKeyring() })
  return (await bucket.head(key, { signal: cli.signal })).envelope
}

async function fileEnvelope(path: string) {
  const envelope = await readEnvelopeFile(path)
  return envelope && summarizeEnvelope(envelope)
}
