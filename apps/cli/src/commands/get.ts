import type { CryptoBucket, DownloadOptions, DownloadResult } from '@oss-cse/bucket'
import { type ByteRange, CseError } from '@oss-cse/crypto-core'
import { parseRange } from '@oss-cse/crypto-core/internal'
import { type Command, Option } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { addKeyOptions, type KeyFlags, loadKeys, missingKeys } from '../keys/key-options.ts'
import { keylessKeyring } from '../keys/keyless-keyring.ts'
import { addOpenOptions, checkAccepted, type OpenFlags } from '../keys/sealing-options.ts'
import { humanSize } from '../output/human-size.ts'
import { addReportOptions, type ReportFlags, reportDone, resumedText } from '../output/report.ts'
import { openBucket } from '../server/open-bucket.ts'
import { type OssUrl, parseFileUrl, parseObjectUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags, serverConfig } from '../server/server-options.ts'
import { downloadTarget } from '../transfer/download-target.ts'
import { type LocalOutput, writeStream } from '../transfer/local-output.ts'
import { runTransfer } from '../transfer/transfer.ts'
import {
  addTransferOptions,
  fileTransferOptions,
  refuseTransferOptions,
  type TransferFlags,
} from '../transfer/transfer-options.ts'

interface GetFlags extends KeyFlags, OpenFlags, ServerFlags, TransferFlags, ReportFlags {
  readonly force?: boolean
  readonly range?: ByteRange
  readonly onPlainObject?: 'reject' | 'passthrough'
}

const JSON_HELP = `
Fields of --json: bucket, key, file, encrypted, sizeBytes, totalBytes, resumedBytes, contentRange, verification, sealed, commitment,
envelope, metadata, contentType, etag, lastModified, versionId, crc64
The JSON goes to stderr`

/** Adds `oss-cse get`. */
export function addGet(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('get')
    .description('download an object and decrypt it')
    .argument('<url>', 'oss://BUCKET/KEY')
    .argument(
      '[file]',
      "file, directory, or - for stdout; a file is replaced only when the whole object is verified (default: the key's last segment, in the current directory)",
    )
    .option('--force', "replace an existing file whose name comes from the object's key")
  addReadOptions(command, addTransferOptions)
    .addHelpText('after', `${JSON_HELP} when the object goes to stdout.`)
    .action((url: string, file: string | undefined, flags: GetFlags) =>
      get(url, parseFileUrl(url), file, flags, cli),
    )
}

/** Adds `oss-cse cat`. */
export function addCat(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('cat')
    .description('decrypt an object and print it on stdout, as `get URL -` does')
    .argument('<url>', 'oss://BUCKET/KEY')
  addReadOptions(command)
    .addHelpText('after', `${JSON_HELP}.`)
    .action((url: string, flags: GetFlags) => get(url, parseObjectUrl(url), '-', flags, cli))
}

function addReadOptions(command: Command, addMore = (it: Command): Command => it): Command {
  command
    .option(
      '--range <start-end>',
      'bytes to read: 0-99 (both included), 100- or -100 (the last 100)',
      parseRange,
    )
    .addOption(
      new Option(
        '--on-plain-object <policy>',
        'policy for an object that is not encrypted (default: reject)',
      ).choices(['reject', 'passthrough']),
    )
  return addReportOptions(addServerOptions(addKeyOptions(addOpenOptions(addMore(command)))))
}

async function get(
  source: string,
  { bucket: bucketName, key }: OssUrl,
  fileArgument: string | undefined,
  flags: GetFlags,
  cli: CliEnvironment,
): Promise<void> {
  const { output, file, named, within } = await downloadTarget(fileArgument, key, flags.force === true)
  serverConfig(flags, cli)
  const { onPlainObject, range, accept, expectCommitment, context } = flags
  const inOneRequest = output.kind === 'file' ? range && 'A range' : 'A stream'
  const { checkpointStore, ...cut } =
    inOneRequest === undefined
      ? await fileTransferOptions(flags, cli)
      : refuseTransferOptions(flags, inOneRequest)
  const keyring = (await loadKeys(flags, cli))?.keyring
  // A plain object can be read without a key. Only the response tells whether the object is one.
  if (keyring === undefined && onPlainObject !== 'passthrough') throw missingKeys()
  checkAccepted(flags, keyring, onPlainObject)
  const options = { ...cut, range, expectCommitment, context }
  const result = await runTransfer(
    cli,
    flags,
    'get',
    checkpointStore,
    async ({ logger, opened, ...tools }) => {
      const bucket = await openBucket(cli, flags, bucketName, {
        keyring: keyring ?? keylessKeyring(),
        onPlainObject,
        accept,
        logger,
      })
      opened(bucket)
      const fetch = () => fetchObject(bucket, key, output, { ...options, ...tools }, cli)
      return within(fetch).catch((error: unknown) => {
        const unfit = CseError.isInstance(error) && error.code === 'ERR_CSE_NO_MATCHING_KEY'
        throw keyring === undefined && unfit ? missingKeys() : error
      })
    },
  )
  const { headers: _headers, ...described } = result
  const encrypted = result.envelope !== undefined
  await reportDone(
    cli,
    flags,
    { bucket: bucketName, file, encrypted, ...described },
    `Downloaded ${source}${named ? ` to ${file}` : ''} (${humanSize(result.sizeBytes)}, ${encrypted ? 'decrypted' : 'NOT encrypted'}, ${VERIFIED[result.verification]} verified${resumedText(result.resumedBytes)}).`,
    output.kind === 'stdout',
  )
}

/** What was verified, for the report. */
const VERIFIED: Readonly<Record<DownloadResult['verification'], string>> = {
  aead: 'every byte',
  crc64: 'checksum',
  length: 'length',
}

async function fetchObject(
  bucket: CryptoBucket,
  key: string,
  output: LocalOutput,
  options: DownloadOptions,
  cli: CliEnvironment,
): Promise<DownloadResult> {
  if (output.kind === 'file') {
    const { downloadFile } = await import('@oss-cse/bucket/node')
    return downloadFile(bucket, key, output.path, options)
  }
  const { range, expectCommitment, context, onProgress, signal } = options
  const { body, ...result } = await bucket.get(key, { range, expectCommitment, context, onProgress, signal })
  await writeStream(output, body, cli)
  return { ...result, resumedBytes: 0 }
}
