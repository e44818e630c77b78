import type { CryptoBucket, GetOptions, GetResult } from '@oss-cse/bucket'
import { type ByteRange, CseError, parseRange } from '@oss-cse/crypto-core'
import { type Command, Option } from 'commander'
import type { CliEnvironment } from '../cli-environment.ts'
import { humanSize } from '../human-size.ts'
import { addKeyOptions, type KeyFlags, loadKeys, missingKeys } from '../key-options.ts'
import { type LocalOutput, localOutput, writeStream } from '../local-output.ts'
import { openBucket } from '../open-bucket.ts'
import { parseObjectUrl } from '../oss-url.ts'
import { startProgress } from '../progress-bar.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../report.ts'
import { addServerOptions, type ServerFlags, serverConfig } from '../server-options.ts'

interface GetFlags extends KeyFlags, ServerFlags, ReportFlags {
  readonly range?: ByteRange
  readonly onPlainObject?: 'reject' | 'passthrough'
}

const JSON_HELP = `
--json: bucket, key, file, encrypted, sizeBytes, totalBytes, contentRange, verification, envelope, metadata,
contentType, etag, lastModified, versionId, crc64`

/** Adds `oss-cse get`. */
export function addGet(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('get')
    .description('download an object and decrypt it')
    .argument('<url>', 'oss://BUCKET/KEY')
    .argument(
      '<file>',
      'the file, which is replaced only when all has arrived and was verified; or - for stdout',
    )
  addReadOptions(command)
    .addHelpText('after', `${JSON_HELP}; on stderr when the object goes to stdout`)
    .action((url: string, file: string, flags: GetFlags) => get(url, file, flags, cli))
}

/** Adds `oss-cse cat`. */
export function addCat(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('cat')
    .description('print an object, decrypted: get to stdout')
    .argument('<url>', 'oss://BUCKET/KEY')
  addReadOptions(command)
    .addHelpText('after', `${JSON_HELP}; on stderr`)
    .action((url: string, flags: GetFlags) => get(url, '-', flags, cli))
}

function addReadOptions(command: Command): Command {
  command
    .option('--range <start-end>', 'only these bytes: 0-99 (the end counts), 100- or -100', parseRange)
    .addOption(
      new Option('--on-plain-object <policy>', 'what to do with an object that is not encrypted')
        .choices(['reject', 'passthrough'])
        .default('reject'),
    )
  return addReportOptions(addServerOptions(addKeyOptions(command)))
}

async function get(source: string, file: string, flags: GetFlags, cli: CliEnvironment): Promise<void> {
  const { bucket: bucketName, key } = parseObjectUrl(source)
  const output = await localOutput(file)
  serverConfig(flags, cli)
  const keyring = await loadKeys(flags, cli)
  // A plain object can be read without a key; whether it is one, only the answer tells.
  if (keyring === undefined && flags.onPlainObject !== 'passthrough') throw missingKeys()
  const bucket = await openBucket(cli, flags, bucketName, { keyring, onPlainObject: flags.onPlainObject })
  const progress = await startProgress(cli, flags, 'get')
  const options: GetOptions = {
    ...(flags.range !== undefined && { range: flags.range }),
    onProgress: progress.listener,
    signal: cli.signal,
  }
  const result = await fetchObject(bucket, key, output, options, cli)
    .catch((error: unknown) => {
      const unfit = CseError.isInstance(error) && error.code === 'ERR_CSE_NO_MATCHING_KEY'
      throw keyring === undefined && unfit ? missingKeys() : error
    })
    .finally(progress.stop)
  const { headers: _headers, ...described } = result
  const encrypted = result.envelope !== undefined
  await reportDone(
    cli,
    flags,
    { bucket: bucketName, file, encrypted, ...described },
    `Got ${source} (${humanSize(result.sizeBytes)}, ${encrypted ? 'decrypted' : 'NOT encrypted'}, ${result.verification === 'crc64' ? 'checksum' : 'length'} verified).`,
    output.kind === 'stdout',
  )
}

async function fetchObject(
  bucket: CryptoBucket,
  key: string,
  output: LocalOutput,
  options: GetOptions,
  cli: CliEnvironment,
): Promise<Omit<GetResult, 'body'>> {
  if (output.kind === 'file') {
    const { downloadFile } = await import('@oss-cse/bucket/node')
    return downloadFile(bucket, key, output.path, options)
  }
  const { body, ...result } = await bucket.get(key, options)
  await writeStream(output, body, cli)
  return result
}
