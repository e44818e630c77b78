import {
  type BoundedCallOptions,
  CseError,
  decodeEnvelope,
  type MasterKeyProvider,
  type MultipartTransport,
  type ObjectTransport,
  type PartPlan,
  type PartRange,
} from '@oss-cse/crypto-core'
import {
  DEFAULT_PART_BYTES,
  equalDescriptions,
  MAX_REQUEST_BYTES,
  planParts,
} from '@oss-cse/crypto-core/internal'
import * as v from 'valibot'
import { aboutObject } from '../policy/about-object.ts'
import type { BucketContext } from '../policy/bucket-context.ts'
import { PartsProgress, type ProgressListener } from '../policy/progress.ts'
import { type ObjectOptions, uploadHeaders } from '../policy/request-headers.ts'
import { log, type TransferEvent } from '../policy/retry.ts'
import { contextToSeal } from '../policy/sealed-context.ts'
import { byteSource, type ReopenableBody } from '../source/byte-source.ts'
import {
  changedMeanwhile,
  type SizedInput,
  type SizedSource,
  type SourceState,
  sizedSource,
  stateOf,
  wholeBody,
} from '../source/sized-source.ts'
import {
  initiateMultipartUpload,
  refusePartsUnderV1,
  resumeMultipartUpload,
} from '../write/begin-multipart-upload.ts'
import type { LocalKeeping } from '../write/local-keeping.ts'
import { checkedState, type MultipartUploadState } from '../write/multipart-state.ts'
import {
  abortQuietly,
  hasMultipart,
  isNoSuchUpload,
  type MultipartObjectTransport,
  requireMultipart,
} from '../write/multipart-transport.ts'
import type { MultipartUpload } from '../write/multipart-upload.ts'
import type { PersistState } from '../write/open-upload.ts'
import { putObject } from '../write/put-object.ts'
import type { PutResult } from '../write/put-result.ts'
import type { UnverifiedUpload } from '../write/unverified-upload.ts'
import type { Checkpoint, CheckpointStore } from './checkpoint-store.ts'
import { inParallel } from './in-parallel.ts'
import { checkedParallel, checkThreshold, type TransferOptions } from './transfer-options.ts'
import {
  digestText,
  loadRecord,
  localKeyOf,
  mayHaveRecord,
  openRecord,
  type TransferName,
} from './transfer-record.ts'

/** Options of an upload. */
export interface UploadOptions extends BoundedCallOptions, ObjectOptions, TransferOptions {
  /** Called as bytes leave. */
  readonly onProgress?: ProgressListener | undefined
  /** The context of a sealed object, see `PutOptions`. */
  readonly context?: string | undefined
}

/** The result of an upload. */
export interface UploadResult extends PutResult {
  /** The number of bytes that an earlier, interrupted run had sent. */
  readonly resumedBytes: number
}

/** Uploads a source of known length: a small one with one put, a large one in parts; see `CryptoBucket.upload`. */
export async function uploadObject(
  context: BucketContext,
  transport: ObjectTransport & Partial<MultipartTransport>,
  key: string,
  input: SizedInput,
  options: UploadOptions = {},
): Promise<UploadResult> {
  const { multipartThresholdBytes = DEFAULT_PART_BYTES, parallel, checkpointStore, signal } = options
  signal?.throwIfAborted()
  refusePartsUnderV1('upload', context.keyring)
  // Here, because a resumed upload has its context already, and an earlier one is given up before a put.
  contextToSeal(context, key, options.context)
  const source = sizedSource(input)
  const { sizeBytes } = source
  const plan = planParts(sizeBytes, options.partSizeBytes, context.format)
  const atOnce = checkedParallel(parallel)
  checkThreshold(multipartThresholdBytes)
  const common = { context, key, source, options, plan, parallel: atOnce }
  // A source that is too large for one put is uploaded in parts, whatever the threshold.
  if (sizeBytes === 0 || (sizeBytes < multipartThresholdBytes && plan.storedBytes <= MAX_REQUEST_BYTES)) {
    if (checkpointStore !== undefined && hasMultipart(transport)) {
      await forgetEarlier({ ...common, transport }, checkpointStore)
    }
    const { metadata, contentType, contentMd5, headers, onProgress, context: bound } = options
    const put = { metadata, contentType, contentMd5, headers, onProgress, context: bound, signal }
    return {
      ...(await putObject(context, transport, key, byteSource(wholeBody(source)), put)),
      resumedBytes: 0,
    }
  }
  const transfer: UploadTransfer = { ...common, transport: requireMultipart(transport) }
  try {
    if (checkpointStore === undefined) return await uploadInParts(transfer, await stateOf(source))
    if (!unwrapsUploads(context.keyring.encrypting) && checkpointStore.localKey === undefined) {
      tell(
        transfer,
        'not-resumable',
        'With only a public key, or a key server for stored objects, an interrupted upload cannot be resumed.',
      )
      return await uploadInParts(transfer, await stateOf(source))
    }
    return await uploadWithRecord(transfer, checkpointStore)
  } catch (error) {
    throw aboutObject(error, key)
  }
}

interface UploadTransfer {
  readonly context: BucketContext
  readonly transport: MultipartObjectTransport
  readonly key: string
  readonly source: SizedSource
  readonly options: UploadOptions
  readonly plan: PartPlan
  readonly parallel: number
}

/** The record of an interrupted upload. */
interface UploadRecord extends TransferName {
  readonly version: 2
  /** The state of the source when the upload started. */
  readonly source: { readonly sizeBytes: number; readonly fingerprint: string }
  /** A digest of the object's metadata and other headers, which can no longer change. */
  readonly headers: string
  readonly upload: MultipartUploadState
  /** The content key under the local key of the store, if the master key does not unwrap it. Bound to `upload`. */
  readonly localWrap?: string | undefined
}

const Record = v.strictObject({
  version: v.literal(2),
  operation: v.literal('upload'),
  location: v.string(),
  key: v.string(),
  identity: v.string(),
  source: v.strictObject({ sizeBytes: v.number(), fingerprint: v.string() }),
  headers: v.string(),
  upload: v.unknown(),
  localWrap: v.optional(v.string()),
})

function parseRecord(value: unknown): UploadRecord | undefined {
  try {
    const record = v.parse(Record, value)
    return { ...record, upload: checkedState(record.upload) }
  } catch {
    return undefined
  }
}

/** The open record of an upload, and what a new one starts with. */
interface OpenRecord {
  readonly checkpoint: Checkpoint
  readonly fresh: Omit<UploadRecord, 'upload'>
  /** Returns the local key, if the upload needs one. */
  localKey(): Promise<CryptoKey | undefined>
}

/** Uploads with a checkpoint. Resumes an earlier upload if possible, and can be resumed itself. */
async function uploadWithRecord(transfer: UploadTransfer, store: CheckpointStore): Promise<UploadResult> {
  const { source, options } = transfer
  const name = nameOf(transfer)
  const { headers, contentMd5 = '' } = uploadHeaders(options)
  const begun = await stateOf(source)
  const fresh: Omit<UploadRecord, 'upload'> = {
    version: 2,
    ...name,
    source: { sizeBytes: source.sizeBytes, fingerprint: begun.fingerprint },
    headers: digestText([...Object.entries(headers).sort(), contentMd5]),
  }
  const checkpoint = await openRecord(store, name, options.signal)
  try {
    const earlier = await loadRecord(checkpoint, name, parseRecord, (why) => restart(transfer, why))
    const record: OpenRecord = {
      checkpoint,
      fresh,
      localKey: async () =>
        unwrapsUploads(transfer.context.keyring.encrypting) ? undefined : localKeyOf(store, name),
    }
    const resumed = earlier && (await resume(transfer, earlier, record))
    if (resumed !== undefined) return await sendParts(transfer, resumed, checkpoint, begun)
    return await uploadInParts(transfer, begun, record)
  } finally {
    await checkpoint.close()
  }
}

/** Gives up an earlier upload of a source that was larger then. Its record would never be used again. */
async function forgetEarlier(transfer: UploadTransfer, store: CheckpointStore): Promise<void> {
  const name = nameOf(transfer)
  if (!(await mayHaveRecord(store, name))) return
  let checkpoint: Checkpoint
  try {
    checkpoint = await openRecord(store, name, transfer.options.signal)
  } catch (error) {
    // Such a store has no earlier upload to give up, or another upload uses the record. A single put needs no store.
    if (CseError.isInstance(error)) return
    throw error
  }
  try {
    const earlier = await loadRecord(checkpoint, name, parseRecord, (why) => restart(transfer, why))
    if (earlier !== undefined) {
      restart(transfer, 'The source changed since the earlier upload.')
      await giveBack(transfer, earlier.upload.uploadId)
    }
    await checkpoint.remove().catch(() => {})
  } finally {
    await checkpoint.close()
  }
}

function nameOf({ transport, key, source }: UploadTransfer): TransferName {
  return { operation: 'upload', location: transport.location ?? '', key, identity: source.identity ?? '' }
}

/** Starts an upload and sends its parts. */
async function uploadInParts(
  transfer: UploadTransfer,
  begun: SourceState,
  record?: OpenRecord,
): Promise<UploadResult> {
  const { context, transport, key, options, plan } = transfer
  const { metadata, contentType, contentMd5, headers, context: bound, signal } = options
  const initiating = {
    context: bound,
    metadata,
    contentType,
    contentMd5,
    headers,
    signal,
    sizeBytes: plan.sizeBytes,
    partSizeBytes: plan.partSizeBytes,
    ...(record && { persist: persistInto(record) }),
  }
  const local = record && (await keptLocally(record))
  const upload = await initiateMultipartUpload(context, transport, key, initiating, local)
  const progress = new PartsProgress(options.onProgress, plan.sizeBytes, plan.partCount)
  return sendParts(transfer, { upload, progress }, record?.checkpoint, begun)
}

/** A running upload and its progress. */
interface RunningUpload {
  readonly upload: MultipartUpload
  readonly progress: PartsProgress
}

/**
 * Resumes an earlier upload. Returns `undefined` if that is not possible; its parts and its record are then removed.
 */
async function resume(
  transfer: UploadTransfer,
  earlier: UploadRecord,
  record: OpenRecord,
): Promise<RunningUpload | undefined> {
  const { context, transport, source, options } = transfer
  const { checkpoint, fresh } = record
  const { signal } = options
  const giveUp = async (why: string): Promise<undefined> => {
    restart(transfer, why)
    await giveBack(transfer, earlier.upload.uploadId)
    await checkpoint.remove()
  }
  const same =
    earlier.source.sizeBytes === fresh.source.sizeBytes &&
    earlier.source.fingerprint === fresh.source.fingerprint
  if (!same) return giveUp('The source changed since the earlier upload.')
  if (earlier.headers !== fresh.headers) return giveUp('The metadata or headers of the object are different.')
  if (!isUnder(context.keyring.encrypting, earlier.upload))
    return giveUp('The encrypting master key is different.')
  if ((earlier.upload.commitment === undefined) !== (context.format === 'aes-ctr'))
    return giveUp('The format of the content is different.')
  const { sizeBytes, partSizeBytes } = earlier.upload
  if (options.partSizeBytes !== undefined && options.partSizeBytes !== partSizeBytes) {
    return giveUp('The part size is different.')
  }
  let unverified: UnverifiedUpload | undefined
  try {
    const persist = persistInto(record)
    const resuming = { signal, persist, context: options.context }
    const kept = await keptLocally(record)
    const local = kept && { ...kept, wrapped: earlier.localWrap ?? '' }
    unverified = await resumeMultipartUpload(context, transport, earlier.upload, resuming, local)
    const { partCount } = unverified.plan
    const progress = new PartsProgress(options.onProgress, sizeBytes, partCount)
    const onVerified = ({ partNumber, sizeBytes }: PartRange): void => progress.resumed(partNumber, sizeBytes)
    const upload = await unverified.verifyParts((range) => partBody(source, range), { signal, onVerified })
    tell(transfer, 'resume', `${upload.doneParts.size} of ${partCount} parts were sent before.`)
    return { upload, progress }
  } catch (error) {
    await unverified?.close()
    if (isNoSuchUpload(error)) return giveUp('The service no longer has the earlier upload.')
    if (CseError.isInstance(error) && GIVE_UP.has(error.code)) return giveUp(error.message)
    throw error
  }
}

/** Returns whether a provider unwraps the key of an upload that is not complete. */
function unwrapsUploads({ canUnwrap, unwrapsStoredOnly }: MasterKeyProvider): boolean {
  return canUnwrap !== false && unwrapsStoredOnly !== true
}

/** Returns whether an upload's key is wrapped by the master key that wraps new ones. */
function isUnder(provider: MasterKeyProvider, { envelope }: MultipartUploadState): boolean {
  const decoded = decodeEnvelope(envelope)
  return (
    decoded?.wrapAlgorithm.toLowerCase() === provider.wrapAlgorithm.toLowerCase() &&
    equalDescriptions(decoded.materialDescription, provider.materialDescription)
  )
}

/** Errors after which an earlier upload cannot be resumed, although a new one may succeed. */
const GIVE_UP: ReadonlySet<string> = new Set([
  'ERR_CSE_SOURCE_CHANGED',
  'ERR_CSE_INVALID_ARGUMENT',
  'ERR_CSE_ENVELOPE_DAMAGED',
  'ERR_CSE_UNSUPPORTED_ALGORITHM',
  'ERR_CSE_NO_MATCHING_KEY',
  'ERR_CSE_CANNOT_UNWRAP',
  'ERR_CSE_UNWRAP_FAILED',
  // A key server that unwraps only what is stored looked at the object that this upload is to replace.
  'ERR_CSE_PRECONDITION_FAILED',
])

async function sendParts(
  transfer: UploadTransfer,
  { upload, progress }: RunningUpload,
  checkpoint: Checkpoint | undefined,
  begun: SourceState,
): Promise<UploadResult> {
  const { source, parallel, options } = transfer
  const { signal } = options
  const { resumedBytes } = progress
  const done = upload.doneParts
  function* missing(): Generator<PartRange> {
    for (let n = 1; n <= upload.plan.partCount; n++) if (!done.has(n)) yield upload.plan.part(n)
  }
  try {
    await inParallel(missing(), parallel, signal, async (range, partSignal) => {
      const { partNumber, sizeBytes } = range
      // What is sent of a sealed part is more than its plaintext.
      const onSentBytes = (bytes: number): void => progress.advance(partNumber, Math.min(bytes, sizeBytes))
      await upload.uploadPart(partNumber, partBody(source, range), { signal: partSignal, onSentBytes })
      progress.done(partNumber, sizeBytes)
    })
    const now = await stateOf(source)
    if (now.fingerprint !== begun.fingerprint) throw changedMeanwhile()
    if (now.mark !== begun.mark) {
      await upload.compareParts((range) => partBody(source, range), { signal })
    }
    const result = await upload.completeMultipartUpload({ signal })
    // The object exists now. The next run recognizes a record that stays.
    await checkpoint?.remove().catch(() => {})
    return { ...result, resumedBytes }
  } catch (error) {
    const spoilt =
      CseError.isInstance(error) &&
      (error.code === 'ERR_CSE_SOURCE_CHANGED' || error.code === 'ERR_CSE_INTEGRITY')
    if (checkpoint === undefined || spoilt) {
      await giveBack(transfer, upload.uploadId)
      await checkpoint?.remove().catch(() => {})
    }
    throw error
  } finally {
    await upload.close()
  }
}

/** One part of a source. */
function partBody(source: SizedSource, { offsetBytes, sizeBytes }: PartRange): ReopenableBody {
  const file = source.file && { ...source.file, offsetBytes }
  const blob = source.blob?.slice(offsetBytes, offsetBytes + sizeBytes)
  return { sizeBytes, open: () => source.open(offsetBytes, sizeBytes), file, blob }
}

/** Saves an upload's state, together with the transfer that it belongs to. */
function persistInto({ checkpoint, fresh }: OpenRecord): PersistState {
  return (state) => checkpoint.save({ ...fresh, upload: state })
}

/** Keeps the content key of an upload in its record, if the master key does not unwrap it. */
async function keptLocally({
  checkpoint,
  fresh,
  localKey: findLocalKey,
}: OpenRecord): Promise<LocalKeeping | undefined> {
  const localKey = await findLocalKey()
  return (
    localKey && {
      localKey,
      save: (state, localWrap) => checkpoint.save({ ...fresh, upload: state, localWrap }),
    }
  )
}

/** Frees an upload's parts on the service. Never rejects. */
async function giveBack(
  { context, transport, key, options }: UploadTransfer,
  uploadId: string,
): Promise<void> {
  const { headers } = uploadHeaders(options)
  await abortQuietly(context, transport, { key, uploadId, headers, signal: options.signal })
}

function restart(transfer: UploadTransfer, why: string): void {
  tell(transfer, 'restart', `${why} The upload restarts with a new key.`)
}

function tell({ context, key }: UploadTransfer, type: TransferEvent['type'], message: string): void {
  log(context.logger, { type, operation: 'upload', key, message })
}
