import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { keylessKeyring } from '../keys/keyless-keyring.ts'
import { addReportOptions, envelopeFields, fieldLines, type ReportFlags, show } from '../output/report.ts'
import { openBucket } from '../server/open-bucket.ts'
import { parseObjectUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags } from '../server/server-options.ts'

interface StatFlags extends ServerFlags, ReportFlags {}

/** Adds `oss-cse stat`. */
export function addStat(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('stat')
    .description("show an object's size, metadata and envelope; needs no key")
    .argument('<url>', 'oss://BUCKET/KEY')
  addReportOptions(addServerOptions(command))
    .addHelpText(
      'after',
      '\nFields of --json: bucket, key, encrypted, sealed, sizeBytes, envelope, metadata, contentType, etag, lastModified, versionId,\ncrc64',
    )
    .action((url: string, flags: StatFlags) => stat(url, flags, cli))
}

async function stat(url: string, flags: StatFlags, cli: CliEnvironment): Promise<void> {
  const { bucket: bucketName, key } = parseObjectUrl(url)
  const bucket = await openBucket(cli, flags, bucketName, { keyring: keylessKeyring() })
  const { headers: _headers, ...object } = await bucket.head(key, { signal: cli.signal })
  const { sizeBytes, envelope, metadata, contentType, etag, lastModified, versionId, crc64 } = object
  await show(
    cli,
    flags,
    { bucket: bucketName, encrypted: envelope !== undefined, ...object },
    fieldLines([
      ['object', url],
      ['size', `${sizeBytes} bytes`],
      ['type', contentType],
      ['modified', lastModified?.toISOString()],
      ['etag', etag],
      ['version', versionId],
      ['crc64', crc64],
      ...envelopeFields(envelope),
      ...Object.entries(metadata).map(([name, value]) => [`meta ${name}`, value] as const),
    ]),
  )
}
