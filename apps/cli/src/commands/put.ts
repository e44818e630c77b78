import { basename } from 'node:path'
import type { BodyInput } from '@oss-cse/bucket'
import type { Keyring } from '@oss-cse/crypto-core'
import { MAX_REQUEST_BYTES } from '@oss-cse/crypto-core/internal'
import { type Command, InvalidArgumentError } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import { addKeyOptions, type KeyFlags, requireKeys } from '../keys/key-options.ts'
import { addAcceptOption, addSealOptions, formatToWrite, type SealFlags } from '../keys/sealing-options.ts'
import { humanSize } from '../output/human-size.ts'
import {
  addReportOptions,
  commitmentText,
  type ReportFlags,
  reportDone,
  resumedText,
} from '../output/report.ts'
import { openBucket } from '../server/open-bucket.ts'
import { formatOssUrl, parseTargetUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags, serverConfig } from '../server/server-options.ts'
import { type LocalInput, localInput } from '../transfer/local-input.ts'
import { runTransfer } from '../transfer/transfer.ts'
import {
  addTransferOptions,
  fileTransferOptions,
  refuseTransferOptions,
  type TransferFlags,
} from '../transfer/transfer-options.ts'

interface PutFlags extends KeyFlags, SealFlags, ServerFlags, TransferFlags, ReportFlags {
  readonly meta?: Readonly<Record<string, string>>
  readonly contentType?: string
}

/** Adds `oss-cse put`. */
export function addPut(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('put')
    .description('encrypt a file and upload it')
    .argument('<file>', 'file to upload, or - for stdin')
    .argument(
      '<url>',
      "oss://BUCKET/KEY; if it ends with a slash or is only a bucket, the file's name is added",
    )
    .option(
      '--meta <name=value>',
      'user metadata, stored in plaintext; takes several pairs, and can be repeated',
      addPair,
    )
    .option('--content-type <type>', 'content type, stored in plaintext')
  addAcceptOption(addSealOptions(addTransferOptions(command)), 'sealed: the same as --sealed (default: any)')
  addReportOptions(addServerOptions(addKeyOptions(command)))
    .addHelpText(
      'after',
      '\nFields of --json: bucket, key, sizeBytes, resumedBytes, etag, versionId, crc64, verification, sealed, commitment',
    )
    .action((file: string, url: string, flags: PutFlags) => put(file, url, flags, cli))
}

async function put(file: string, target: string, flags: PutFlags, cli: CliEnvironment): Promise<void> {
  const { bucket: bucketName, key } = parseTargetUrl(target, file === '-' ? undefined : basename(file))
  serverConfig(flags, cli)
  const keys = await requireKeys(flags, cli)
  const { keyring } = keys
  const format = formatToWrite(flags, keys)
  const input = await localInput(file, cli)
  const inOneRequest = reasonForOneRequest(input, keyring)
  const { checkpointStore, ...cut } =
    inOneRequest === undefined
      ? await fileTransferOptions(flags, cli)
      : refuseTransferOptions(flags, inOneRequest)
  const { uploadFile } = await import('@oss-cse/bucket/node')
  const result = await runTransfer(
    cli,
    flags,
    'put',
    checkpointStore,
    async ({ logger, opened, ...tools }) => {
      const bucket = await openBucket(cli, flags, bucketName, { keyring, format, logger })
      opened(bucket)
      const { onProgress, signal } = tools
      const object = { metadata: flags.meta, contentType: flags.contentType, context: flags.context }
      if (input.path !== undefined && inOneRequest === undefined) {
        return uploadFile(bucket, key, input.path, {
          ...object,
          ...cut,
          ...tools,
        })
      }
      return { ...(await bucket.put(key, bodyOf(input), { ...object, onProgress, signal })), resumedBytes: 0 }
    },
  )
  const { headers: _headers, ...stored } = result
  await reportDone(
    cli,
    flags,
    { bucket: bucketName, ...stored },
    `Uploaded ${formatOssUrl({ bucket: bucketName, key })} (${humanSize(result.sizeBytes)}, ${result.sealed ? 'sealed' : 'encrypted'}${result.verification === 'crc64' ? ', checksum verified' : ''}${resumedText(result.resumedBytes)}).${commitmentText(result.commitment)}`,
  )
}

/**
 * Names what must be uploaded in one request, or returns `undefined` for what may be uploaded in parts.
 *
 * @throws CliError of kind `usage` for a file that is too large for one request
 */
function reasonForOneRequest({ path, sizeBytes = 0 }: LocalInput, keyring: Keyring): string | undefined {
  if (path === undefined) return 'A stream'
  if (keyring.encrypting.envelopeVersion !== 1) return undefined
  if (sizeBytes > MAX_REQUEST_BYTES) {
    throw usageError(
      `${path} has ${humanSize(sizeBytes)}. In the V1 format, a file is uploaded in one request of up to ${humanSize(MAX_REQUEST_BYTES)}. Encrypt it with a key that writes V2 (--local-rsa-format v2).`,
    )
  }
  return 'A file in the V1 format'
}

/** A file can be opened again when the request is retried. */
function bodyOf({ sizeBytes, open }: LocalInput): BodyInput {
  return sizeBytes === undefined ? open() : { sizeBytes, open: () => open() }
}

function addPair(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be NAME=VALUE.')
  const name = text.slice(0, at)
  if (Object.hasOwn(previous, name)) throw new InvalidArgumentError(`The name ${name} is given twice.`)
  return { ...previous, [name]: text.slice(at + 1) }
}
