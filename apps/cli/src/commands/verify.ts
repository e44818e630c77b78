import type { CryptoBucket, VerifiedObject } from '@oss-cse/bucket'
import { CseError, type Keyring } from '@oss-cse/crypto-core'
import { printable } from '@oss-cse/crypto-core/internal'
import { type Command, Option } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError, usageError } from '../base/cli-error.ts'
import { inOrder } from '../base/in-order.ts'
import { addKeyOptions, type KeyFlags, loadKeys, missingKeys } from '../keys/key-options.ts'
import { keylessKeyring } from '../keys/keyless-keyring.ts'
import { addOpenOptions, checkAccepted, type OpenFlags } from '../keys/sealing-options.ts'
import { counted } from '../output/counted.ts'
import { EXIT, exitCodeOf, kindOf } from '../output/exit-codes.ts'
import { failureOf, originOf, ToldFailure } from '../output/failure.ts'
import { humanSize } from '../output/human-size.ts'
import { JsonListWriter } from '../output/json-list-writer.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../output/report.ts'
import { failureRecord, failureText } from '../output/report-failure.ts'
import { writeChunk } from '../output/stream-writer.ts'
import { openBucket } from '../server/open-bucket.ts'
import { formatOssUrl, type OssUrl, parseObjectUrl, parsePrefixUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags, serverConfig } from '../server/server-options.ts'
import { stoppedInTime } from '../transfer/stopped-in-time.ts'
import { parseParallel } from '../transfer/transfer-options.ts'

interface VerifyFlags extends KeyFlags, OpenFlags, ServerFlags, ReportFlags {
  readonly recursive?: boolean
  readonly parallel?: number
  readonly onPlainObject?: 'reject' | 'passthrough'
}

/** How many objects are read at the same time. Most of the time of a small one is waiting. */
const PARALLEL = 3
/** How long an interrupted command may take to close its connections, in milliseconds. */
const STOP_MS = 700

/** Adds `oss-cse verify`. */
export function addVerify(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('verify')
    .description('read objects to their end and verify them; writes nothing')
    .argument('<url...>', 'oss://BUCKET/KEY, or with --recursive oss://BUCKET/PREFIX')
    .option(
      '--recursive',
      'verify every object whose key begins with the prefix; oss://BUCKET/ means all of them',
    )
    .option(
      '--parallel <n>',
      `number of objects to read at the same time, 1 to 100 (default: ${PARALLEL})`,
      parseParallel,
    )
    .addOption(
      new Option(
        '--on-plain-object <policy>',
        'policy for an object that is not encrypted (default: reject)',
      ).choices(['reject', 'passthrough']),
    )
  addReportOptions(addServerOptions(addKeyOptions(addOpenOptions(command))))
    .addHelpText(
      'after',
      `
One line for each object, in the order of the URLs and keys: ok or FAILED. It goes through all of them. If one is not authentic,
damaged or cannot be decrypted, the exit code is 6; otherwise it is that of the first failure.
Fields of --json: objects, verifiedCount, failedCount; of each object: bucket, key, encrypted, sizeBytes, verification, sealed,
commitment, envelope, metadata, contentType, etag, lastModified, versionId, crc64, or bucket, key and error (code, message,
byteRange, …)`,
    )
    .action((urls: string[], flags: VerifyFlags) => verify(urls, flags, cli))
}

/** An object to verify, or what failed before there was one: a listing. */
interface Found extends OssUrl {
  readonly failure?: unknown
}

/** What became of one object. */
type Outcome = OssUrl & ({ readonly object: VerifiedObject } | { readonly failure: unknown })

async function verify(urls: readonly string[], flags: VerifyFlags, cli: CliEnvironment): Promise<void> {
  const recursive = flags.recursive === true
  const targets = urls.map((url) =>
    recursive ? parsePrefixUrl(url, 'verify everything') : parseObjectUrl(url),
  )
  if (flags.expectCommitment !== undefined && (recursive || targets.length > 1)) {
    throw usageError('--expect-commitment is that of one object. Give one URL, and not --recursive.')
  }
  serverConfig(flags, cli)
  const { accept, onPlainObject } = flags
  const keyring = (await loadKeys(flags, cli))?.keyring
  // A plain object can be read without a key. Only the response tells whether the object is one.
  if (keyring === undefined && onPlainObject !== 'passthrough') throw missingKeys()
  checkAccepted(flags, keyring, onPlainObject)
  const opened = new Map<string, Promise<CryptoBucket>>()
  const bucketOf = (name: string): Promise<CryptoBucket> => {
    const options = { keyring: keyring ?? keylessKeyring(), onPlainObject, accept }
    const bucket = opened.get(name) ?? openBucket(cli, flags, name, options)
    opened.set(name, bucket)
    return bucket
  }
  const found = recursive ? objectsBehind(targets, bucketOf, cli.signal) : each(targets)
  const outcomes = inOrder(found, flags.parallel ?? PARALLEL, (it, signal) =>
    outcomeOf(it, bucketOf, flags, keyring, AbortSignal.any([cli.signal, signal])),
  )
  await stoppedInTime(reportAll(outcomes, flags, cli), cli.signal, STOP_MS)
}

async function* each(targets: readonly OssUrl[]): AsyncGenerator<Found, void, undefined> {
  yield* targets
}

/** Lists the objects of all prefixes. A prefix that cannot be listed, or has no object, is a failure of its own. */
async function* objectsBehind(
  prefixes: readonly OssUrl[],
  bucketOf: (name: string) => Promise<CryptoBucket>,
  signal: AbortSignal,
): AsyncGenerator<Found, void, undefined> {
  for (const { bucket, key: prefix } of prefixes) {
    let empty = true
    try {
      for await (const entry of (await bucketOf(bucket)).list({ prefix, signal })) {
        empty = false
        if (entry.type === 'object') yield { bucket, key: entry.key }
      }
      // Nothing was verified then, which a typing error must not hide.
      if (empty) {
        throw new CliError('notFound', `No key begins with ${formatOssUrl({ bucket, key: prefix })}.`)
      }
    } catch (failure) {
      signal.throwIfAborted()
      yield { bucket, key: prefix, failure }
    }
  }
}

async function outcomeOf(
  { bucket, key, failure }: Found,
  bucketOf: (name: string) => Promise<CryptoBucket>,
  { expectCommitment, context }: VerifyFlags,
  keyring: Keyring | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  if (failure !== undefined) return { bucket, key, failure }
  try {
    const object = await (await bucketOf(bucket)).verify(key, { expectCommitment, context, signal })
    return { bucket, key, object }
  } catch (error) {
    signal.throwIfAborted()
    const unfit = CseError.isInstance(error) && error.code === 'ERR_CSE_NO_MATCHING_KEY'
    return { bucket, key, failure: keyring === undefined && unfit ? missingKeys() : error }
  }
}

async function reportAll(
  outcomes: AsyncIterable<Outcome>,
  flags: VerifyFlags,
  cli: CliEnvironment,
): Promise<void> {
  const list = flags.json ? new JsonListWriter(cli, {}, 'objects') : undefined
  let verifiedCount = 0
  let verifiedBytes = 0
  const failures = new Failures()
  try {
    for await (const outcome of outcomes) {
      if ('failure' in outcome) failures.add(outcome.failure)
      else {
        verifiedCount++
        verifiedBytes += outcome.object.sizeBytes
      }
      if (list !== undefined) await list.add(recordOf(outcome, cli))
      else if ('failure' in outcome || !flags.quiet)
        await writeChunk(cli.stdout, line(outcome, cli), cli.signal)
    }
    await list?.end({ verifiedCount, failedCount: failures.count })
  } catch (error) {
    throw list?.fail(error) ?? error
  }
  if (failures.count > 0) {
    const failed = failures.summary(verifiedCount)
    throw list === undefined ? failed : new ToldFailure(failed)
  }
  if (list === undefined) {
    await reportDone(
      cli,
      flags,
      {},
      `Verified ${counted(verifiedCount, 'object')} (${humanSize(verifiedBytes)}).`,
    )
  }
}

/** Counts failures, and keeps the one that decides the exit code. */
class Failures {
  count = 0
  #worst: unknown

  add(failure: unknown): void {
    const damaged = exitCodeOf(originOf(failure)) === EXIT.decryption
    if (this.count === 0 || (damaged && exitCodeOf(originOf(this.#worst)) !== EXIT.decryption)) {
      this.#worst = failure
    }
    this.count++
  }

  summary(verifiedCount: number): CliError {
    const total = this.count + verifiedCount
    return new CliError(
      kindOf(originOf(this.#worst)),
      `${this.count} of ${total} objects could not be verified.`,
    )
  }
}

function recordOf(outcome: Outcome, cli: CliEnvironment): Readonly<Record<string, unknown>> {
  const { bucket, key } = outcome
  if ('failure' in outcome) return { bucket, key, error: failureRecord(failureOf(outcome.failure, cli)) }
  const { headers: _headers, ...object } = outcome.object
  return { bucket, encrypted: object.envelope !== undefined, ...object }
}

/** What was verified, for the report. */
const VERIFIED: Readonly<Record<VerifiedObject['verification'], string>> = {
  aead: 'every byte',
  crc64: 'checksum',
  length: 'length',
}

function line(outcome: Outcome, cli: CliEnvironment): string {
  const url = formatOssUrl(outcome)
  if ('failure' in outcome) {
    const { message, ...failure } = failureOf(outcome.failure, cli)
    // The URL names the object already.
    const named = `${printable(outcome.key)}: `
    const rest = message.startsWith(named) ? message.slice(named.length) : message
    return `${printable(`FAILED  ${url}: ${failureText({ ...failure, message: rest })}`)}\n`
  }
  const { sizeBytes, envelope, sealed, verification } = outcome.object
  const kind = sealed ? 'sealed' : envelope === undefined ? 'NOT encrypted' : 'encrypted'
  return `${printable(`ok      ${url} (${humanSize(sizeBytes)}, ${kind}, ${VERIFIED[verification]} verified)`)}\n`
}
