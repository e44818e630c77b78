import { type Command, InvalidArgumentError } from 'commander'
import type { CliEnvironment } from '../cli-environment.ts'
import { humanSize } from '../human-size.ts'
import { addKeyOptions, type KeyFlags, requireKeys } from '../key-options.ts'
import { localInput } from '../local-input.ts'
import { openBucket } from '../open-bucket.ts'
import { parseObjectUrl } from '../oss-url.ts'
import { addReportOptions, type ReportFlags, reportDone, resumedText } from '../report.ts'
import { addServerOptions, type ServerFlags, serverConfig } from '../server-options.ts'
import { runTransfer } from '../transfer.ts'
import {
  addTransferOptions,
  fileTransferOptions,
  refuseTransferOptions,
  type TransferFlags,
} from '../transfer-options.ts'

interface PutFlags extends KeyFlags, ServerFlags, TransferFlags, ReportFlags {
  readonly meta?: Readonly<Record<string, string>>
  readonly contentType?: string
}

/** Adds `oss-cse put`. */
export function addPut(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('put')
    .description('encrypt a file and upload it')
    .argument('<file>', 'the file, or - for stdin')
    .argument('<url>', 'oss://BUCKET/KEY')
    .option('--meta <name=value>', 'user metadata, stored in clear; may be given several times', addPair)
    .option('--content-type <type>', 'stored in clear')
  addReportOptions(addServerOptions(addKeyOptions(addTransferOptions(command))))
    .addHelpText(
      'after',
      '\n--json: bucket, key, sizeBytes, resumedBytes, etag, versionId, crc64, verification',
    )
    .action((file: string, url: string, flags: PutFlags) => put(file, url, flags, cli))
}

async function put(file: string, target: string, flags: PutFlags, cli: CliEnvironment): Promise<void> {
  const { bucket: bucketName, key } = parseObjectUrl(target)
  serverConfig(flags, cli)
  const keyring = await requireKeys(flags, cli)
  const { path, open } = await localInput(file, cli)
  const { checkpoint, threshold, ...cut } =
    path === undefined ? refuseTransferOptions(flags, 'A stream') : await fileTransferOptions(flags, cli)
  const { uploadFile } = await import('@oss-cse/bucket/node')
  const result = await runTransfer(cli, flags, 'put', checkpoint, async ({ logger, ...tools }) => {
    const bucket = await openBucket(cli, flags, bucketName, { keyring, logger })
    const { onProgress, signal } = tools
    const object = { metadata: flags.meta, contentType: flags.contentType }
    if (path !== undefined) {
      return uploadFile(bucket, key, path, { ...object, ...cut, multipartThreshold: threshold, ...tools })
    }
    return { ...(await bucket.put(key, open(), { ...object, onProgress, signal })), resumedBytes: 0 }
  })
  const { headers: _headers, ...stored } = result
  await reportDone(
    cli,
    flags,
    { bucket: bucketName, ...stored },
    `Put ${target} (${humanSize(result.sizeBytes)}, encrypted${result.verification === 'crc64' ? ', checksum verified' : ''}${resumedText(result.resumedBytes, 'sent')}).`,
  )
}

function addPair(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be NAME=VALUE.')
  const name = text.slice(0, at)
  if (Object.hasOwn(previous, name)) throw new InvalidArgumentError(`${name} is given twice.`)
  return { ...previous, [name]: text.slice(at + 1) }
}
