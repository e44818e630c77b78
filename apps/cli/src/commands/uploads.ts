import { printable } from '@oss-cse/crypto-core/internal'
import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import { keylessKeyring } from '../keys/keyless-keyring.ts'
import { counted } from '../output/counted.ts'
import { JsonListWriter } from '../output/json-list-writer.ts'
import { addReportOptions, isoSeconds, type ReportFlags, reportDone } from '../output/report.ts'
import { writeChunk } from '../output/stream-writer.ts'
import { openBucket } from '../server/open-bucket.ts'
import { formatOssUrl, parseObjectUrl, parseOssUrl, parsePrefixUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags } from '../server/server-options.ts'

interface UploadsFlags extends ServerFlags, ReportFlags {}

interface AbortFlags extends UploadsFlags {
  readonly all?: boolean
}

/** Adds `oss-cse uploads ls` and `oss-cse uploads abort`. */
export function addUploads(program: Command, cli: CliEnvironment): void {
  const uploads = program
    .command('uploads')
    .description('list and abort multipart uploads that were never completed')
  const list = uploads
    .command('ls')
    .description('list unfinished uploads: start date, upload id and URL')
    .argument('<url>', 'oss://BUCKET or oss://BUCKET/PREFIX')
  addReportOptions(addServerOptions(list))
    .addHelpText(
      'after',
      '\nFields of --json: bucket, prefix, uploads (key, uploadId, initiated), uploadCount',
    )
    .action((url: string, flags: UploadsFlags) => listUploads(url, flags, cli))
  const abort = uploads
    .command('abort')
    .description('abort an unfinished upload and free its parts; one that does not exist counts as aborted')
    .argument('<url>', 'oss://BUCKET/KEY, or with --all oss://BUCKET/PREFIX')
    .argument('[upload-id]', 'upload id, as `oss-cse uploads ls` shows it')
    .option('--all', 'abort every upload whose key begins with the prefix; oss://BUCKET/ means all of them')
  addReportOptions(addServerOptions(abort))
    .addHelpText(
      'after',
      '\nFields of --json: bucket, aborted (key, uploadId), abortedCount, existenceChecked (true only with --all)',
    )
    .action((url: string, uploadId: string | undefined, flags: AbortFlags) =>
      abortUploads(url, uploadId, flags, cli),
    )
}

async function listUploads(url: string, flags: UploadsFlags, cli: CliEnvironment): Promise<void> {
  const { bucket: bucketName, key: prefix } = parseOssUrl(url)
  const bucket = await openBucket(cli, flags, bucketName, { keyring: keylessKeyring() })
  const list = flags.json ? new JsonListWriter(cli, { bucket: bucketName, prefix }, 'uploads') : undefined
  let uploadCount = 0
  try {
    for await (const { key, uploadId, initiated } of bucket.listUploads({ prefix, signal: cli.signal })) {
      uploadCount++
      const line = `${isoSeconds(initiated).padEnd(20)}  ${uploadId}  ${formatOssUrl({ bucket: bucketName, key })}`
      if (list === undefined) await writeChunk(cli.stdout, `${printable(line)}\n`, cli.signal)
      else await list.add({ key, uploadId, initiated })
    }
    await list?.end({ uploadCount })
  } catch (error) {
    throw list?.fail(error) ?? error
  }
}

async function abortUploads(
  url: string,
  uploadIdArgument: string | undefined,
  flags: AbortFlags,
  cli: CliEnvironment,
): Promise<void> {
  // A shell passes an empty argument for a variable that is not set.
  const uploadId = uploadIdArgument || undefined
  if ((uploadId === undefined) === (flags.all !== true)) {
    throw usageError('Give either an upload id, as `oss-cse uploads ls` shows it, or --all.')
  }
  const target = flags.all ? parsePrefixUrl(url, 'abort every upload') : parseObjectUrl(url)
  const { signal } = cli
  const bucket = await openBucket(cli, flags, target.bucket, { keyring: keylessKeyring() })
  const wanted =
    uploadId === undefined
      ? bucket.listUploads({ prefix: target.key, signal })
      : [{ key: target.key, uploadId }]
  const list = flags.json ? new JsonListWriter(cli, { bucket: target.bucket }, 'aborted') : undefined
  let abortedCount = 0
  try {
    for await (const upload of wanted) {
      await bucket.abortMultipartUpload(upload.key, upload.uploadId, { signal })
      await list?.add({ key: upload.key, uploadId: upload.uploadId })
      abortedCount++
    }
    // Uploads that were listed existed.
    await list?.end({ abortedCount, existenceChecked: uploadId === undefined })
  } catch (error) {
    throw list?.fail(error) ?? error
  }
  if (list !== undefined) return
  const done =
    uploadId === undefined
      ? `Aborted ${counted(abortedCount, 'upload')}.`
      : `Aborted the upload ${uploadId} of ${formatOssUrl(target)}, or it did not exist.`
  await reportDone(cli, flags, {}, done)
}
