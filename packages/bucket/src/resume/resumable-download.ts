import { type ClosedRange, CseError, OSS_HEADERS, TransportError } from '@oss-cse/crypto-core'
import { checkPartSize, combineCrc64, DEFAULT_PART_BYTES, planParts } from '@oss-cse/crypto-core/internal'
import * as v from 'valibot'
import type { RunTarget } from '../cipher/run-target.ts'
import { aboutObject } from '../policy/about-object.ts'
import type { BucketContext } from '../policy/bucket-context.ts'
import { PartsProgress } from '../policy/progress.ts'
import { callerHeaders } from '../policy/request-headers.ts'
import { log, type TransferEvent } from '../policy/retry.ts'
import { sharedRun } from '../policy/shared-run.ts'
import type { GetOptions, GetResult } from '../read/get-object.ts'
import { type ObjectReader, openObject, type ReaderSource } from '../read/object-reader.ts'
import { checkStoredChecksum } from '../read/opened-response.ts'
import { isIntegrityFailure } from '../write/put-result.ts'
import type { Checkpoint } from './checkpoint-store.ts'
import { inParallel } from './in-parallel.ts'
import { checkedParallel, checkThreshold, type TransferOptions } from './transfer-options.ts'
import { loadRecord, openRecord, type TransferName } from './transfer-record.ts'

/**
 * The target of a download. The bytes are written in any order, and get their final name only when all have arrived.
 */
export interface DownloadTarget extends RunTarget {
  /** Identifies the target, such as a file's absolute path. A checkpoint is found by it. */
  readonly identity?: string | undefined
  /**
   * Prepares the target for the bytes.
   *
   * @param keep - whether to keep the bytes of an earlier run
   * @returns true if bytes of that length from an earlier run were kept; false if the target is empty
   */
  open(sizeBytes: number, keep: boolean): Promise<boolean>
  /** Called when more bytes were written. May start to write them to disk. Never throws. */
  flush?(): void
  /** Reads bytes that were written. */
  read(offsetBytes: number, sizeBytes: number): AsyncIterable<Uint8Array>
  /** Gives the bytes their final name. Called when all are there and verified. */
  commit(): Promise<void>
  /** Removes what was written. Never rejects. */
  discard(): Promise<void>
  /** Closes the target and keeps the written bytes for a later run. Never rejects. */
  close(): Promise<void>
}

/** Options of a download. */
export interface DownloadOptions extends GetOptions, TransferOptions {
  /**
   * What to do if the object is replaced during the download. `restart` (the default) downloads the new object from its
   * start, at most three times. `fail` rejects with `ERR_CSE_PRECONDITION_FAILED`.
   */
  readonly onObjectChanged?: 'restart' | 'fail' | undefined
}

/** The result of a download: the description of the object, whose bytes are in the target. */
export interface DownloadResult extends Omit<GetResult, 'body'> {
  /** The number of bytes that an earlier, interrupted run had fetched. */
  readonly resumedBytes: number
}

const MAX_RESTARTS = 3

/** What the bucket passes to a download. */
export interface DownloadContext {
  readonly context: BucketContext
  readonly source: ReaderSource
  readonly location: string
}

/** Downloads an object into a target, in parts if it is large; see `CryptoBucket.download`. */
export async function downloadObject(
  bucket: DownloadContext,
  key: string,
  target: DownloadTarget,
  options: Omit<DownloadOptions, 'range'> = {},
): Promise<DownloadResult> {
  const {
    multipartThresholdBytes = DEFAULT_PART_BYTES,
    onObjectChanged = 'restart',
    checkpointStore,
    signal,
  } = options
  signal?.throwIfAborted()
  checkThreshold(multipartThresholdBytes)
  if (onObjectChanged !== 'restart' && onObjectChanged !== 'fail') {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', "onObjectChanged must be 'restart' or 'fail'.", {
      objectKey: key,
    })
  }
  const { partSizeBytes = DEFAULT_PART_BYTES } = options
  checkPartSize(partSizeBytes)
  const download: Download = {
    ...bucket,
    key,
    target,
    options,
    parallel: checkedParallel(options.parallel),
    firstBytes: Math.min(
      Math.max(Math.floor(multipartThresholdBytes), partSizeBytes),
      Number.MAX_SAFE_INTEGER,
    ),
  }
  const name: TransferName = {
    operation: 'download',
    location: bucket.location,
    key,
    identity: target.identity ?? '',
  }
  const record = checkpointStore && (await openRecord(checkpointStore, name, signal).catch(unusable))
  try {
    for (let restarts = 0; ; restarts++) {
      try {
        return await downloadOnce(download, name, record)
      } catch (error) {
        if (!(error instanceof ObjectChanged)) throw error
        if (onObjectChanged === 'fail' || restarts >= MAX_RESTARTS) throw error.cause
        restart(download, 'The object was replaced.')
      }
    }
  } catch (error) {
    throw aboutObject(error, key)
  } finally {
    await record?.close()
  }
}

/**
 * Replaces a store that cannot be used. It matters only to an object that needs parts, which is not known before the
 * first request.
 */
function unusable(error: unknown): Checkpoint {
  if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_CHECKPOINT') throw error
  return {
    load: async () => undefined,
    save: () => Promise.reject(error),
    remove: async () => {},
    close: async () => {},
  }
}

interface Download extends DownloadContext {
  readonly key: string
  readonly target: DownloadTarget
  readonly options: Omit<DownloadOptions, 'range'>
  readonly parallel: number
  /** The length of the first request. */
  readonly firstBytes: number
}

/** Contains the error of a download whose object was replaced in the meantime. */
class ObjectChanged extends Error {}

/**
 * The record of an interrupted download. The bytes themselves are in the target, decrypted. An older program refuses that
 * of a sealed object, by its version.
 */
interface DownloadRecord extends TransferName {
  readonly version: 1 | 2
  /** The commitment of a sealed object. Absent in version 1. */
  readonly commitment?: string | undefined
  readonly versionId: string
  readonly etag: string
  readonly sizeBytes: number
  readonly firstBytes: number
  readonly partSizeBytes: number
  /** The mark of each part that is in the target, by number. See `ObjectReader.readInto`. */
  readonly parts: Readonly<Record<string, string>>
}

const Size = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const Common = {
  operation: v.literal('download'),
  location: v.string(),
  key: v.string(),
  identity: v.string(),
  versionId: v.string(),
  etag: v.pipe(v.string(), v.nonEmpty()),
  sizeBytes: Size,
  firstBytes: Size,
  partSizeBytes: Size,
}
const partMarks = (mark: RegExp) =>
  v.record(v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,15}$/)), v.pipe(v.string(), v.regex(mark)))
const Schema = v.variant('version', [
  v.strictObject({ version: v.literal(1), ...Common, parts: partMarks(/^[0-9]{1,20}$/) }),
  v.strictObject({
    version: v.literal(2),
    ...Common,
    commitment: v.pipe(v.string(), v.nonEmpty()),
    parts: partMarks(/^[0-9a-f]{64}$/),
  }),
])

function parseRecord(value: unknown): DownloadRecord | undefined {
  const result = v.safeParse(Schema, value)
  return result.success ? result.output : undefined
}

/** One part of a download. */
interface Part extends ClosedRange {
  readonly partNumber: number
}

/** An object and its parts: the first one as long as the first request, then parts of equal length. */
interface OpenDownload {
  readonly reader: ObjectReader
  readonly parts: readonly Part[]
  readonly layout: Pick<DownloadRecord, 'firstBytes' | 'partSizeBytes'>
  /** The mark of each part that is in the target. */
  readonly done: Map<number, string>
  readonly progress: PartsProgress
  /** Whether a record describes the content of the target. */
  recorded: boolean
}

async function downloadOnce(
  download: Download,
  name: TransferName,
  record: Checkpoint | undefined,
): Promise<DownloadResult> {
  const { target } = download
  const opened = (record && (await resume(download, name, record))) ?? (await begin(download))
  try {
    await fetchParts(download, name, opened, record)
    const result = verified(opened, download.key)
    await target.commit()
    await record?.remove().catch(() => {})
    return result
  } catch (error) {
    const changed = isChanged(error)
    if (!opened.recorded || changed || isIntegrityFailure(error)) {
      await target.discard()
      await record?.remove().catch(() => {})
    } else {
      await target.close()
    }
    throw changed ? new ObjectChanged('', { cause: error }) : error
  } finally {
    await opened.reader.close()
  }
}

async function begin(download: Download): Promise<OpenDownload> {
  const { target, firstBytes, options } = download
  const reader = await open(download, { start: 0, end: firstBytes - 1 })
  try {
    const { sizeBytes } = reader
    const { partSizeBytes } = planParts(sizeBytes, options.partSizeBytes)
    const layout = { firstBytes, partSizeBytes }
    const parts = cut(reader, layout)
    await target.open(sizeBytes, false)
    const progress = new PartsProgress(options.onProgress, sizeBytes, parts.length)
    return { reader, parts, layout, done: new Map(), progress, recorded: false }
  } catch (error) {
    await target.discard()
    await reader.close()
    throw error
  }
}

/** Opens the object with its first range. An empty object has no ranges, so it is opened with a HEAD. */
async function open(download: Download, firstRange: ClosedRange): Promise<ObjectReader> {
  const { context, source, key, options } = download
  const { versionId, headers, onPlainObject, expectCommitment, context: bound, signal } = options
  const common = { versionId, headers, onPlainObject, expectCommitment, context: bound, signal }
  try {
    return await openObject(context, source, key, { ...common, firstRange })
  } catch (error) {
    if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_RANGE_NOT_SATISFIABLE') throw error
    return openObject(context, source, key, common)
  }
}

/** Resumes an earlier download. Returns `undefined` if that is not possible; its record is then removed. */
async function resume(
  download: Download,
  name: TransferName,
  checkpoint: Checkpoint,
): Promise<OpenDownload | undefined> {
  const { context, source, key, target, options } = download
  const giveUp = async (why: string, opened?: ObjectReader): Promise<undefined> => {
    if (opened !== undefined) {
      await opened.close()
      await target.discard()
    }
    restart(download, why)
    await checkpoint.remove()
  }
  const earlier = await loadRecord(checkpoint, name, parseRecord, (why) => restart(download, why))
  if (earlier === undefined) return undefined
  const { versionId, headers, onProgress, signal } = options
  const { onPlainObject, expectCommitment, context: bound } = options
  const given = callerHeaders(headers)
  const wanted = given['if-match']
  if (wanted !== undefined && wanted !== earlier.etag)
    return giveUp('If-Match names another state of the object.')
  if (!isPossible(earlier)) return giveUp('The record has part sizes that no download has.')
  if (earlier.versionId !== (versionId ?? '')) return giveUp('Another version of the object was requested.')
  if (options.partSizeBytes !== undefined && options.partSizeBytes !== earlier.partSizeBytes) {
    return giveUp('The part size is different.')
  }
  let reader: ObjectReader
  try {
    const pinned = { ...given, 'if-match': earlier.etag }
    const policies = { onPlainObject, expectCommitment, context: bound }
    reader = await openObject(context, source, key, { versionId, headers: pinned, ...policies, signal })
  } catch (error) {
    const gone = TransportError.isInstance(error) && error.serviceCode === 'NoSuchKey'
    if (!isChanged(error) && !gone) throw error
    await checkpoint.remove()
    await target.open(0, false).then(() => target.discard())
    throw gone ? error : new ObjectChanged('', { cause: error })
  }
  try {
    if (reader.sizeBytes !== earlier.sizeBytes)
      return await giveUp('The length of the object changed.', reader)
    if (!(await target.open(reader.sizeBytes, true))) {
      return await giveUp('The bytes that were fetched before are gone.', reader)
    }
    if (reader.commitment !== earlier.commitment)
      return await giveUp('The object is sealed in another way.', reader)
    const parts = cut(reader, earlier)
    const progress = new PartsProgress(onProgress, reader.sizeBytes, parts.length)
    const done = new Map<number, string>()
    for (const { partNumber, start, end } of parts) {
      const expected = earlier.parts[partNumber]
      if (expected === undefined) continue
      signal?.throwIfAborted()
      const plaintext = target.read(start, end - start + 1)
      // A mismatch means other bytes than were fetched, so they are fetched again.
      if ((await reader.markOf(plaintext, { start, end })) !== expected) continue
      done.set(partNumber, expected)
      progress.resumed(partNumber, end - start + 1)
    }
    tell(download, 'resume', `${done.size} of ${parts.length} parts were fetched before.`)
    return { reader, parts, layout: earlier, done, progress, recorded: true }
  } catch (error) {
    await reader.close()
    await target.close()
    throw error
  }
}

/** Whether a download can have had such parts. Tiny ones would be as many as the object has bytes. */
function isPossible({ firstBytes, partSizeBytes }: OpenDownload['layout']): boolean {
  try {
    checkPartSize(partSizeBytes)
  } catch {
    return false
  }
  return firstBytes >= partSizeBytes
}

async function fetchParts(
  download: Download,
  name: TransferName,
  opened: OpenDownload,
  checkpoint: Checkpoint | undefined,
): Promise<void> {
  const { reader, parts, layout, done, progress } = opened
  const { target, parallel, options } = download
  const { etag } = reader.description
  const save = async (): Promise<void> => {
    if (checkpoint === undefined || etag === undefined || parts.length < 2) return
    const { firstBytes, partSizeBytes } = layout
    const { commitment } = reader
    const record: DownloadRecord = {
      version: commitment === undefined ? 1 : 2,
      ...(commitment !== undefined && { commitment }),
      ...name,
      versionId: options.versionId ?? '',
      etag,
      sizeBytes: reader.sizeBytes,
      firstBytes,
      partSizeBytes,
      parts: Object.fromEntries(done),
    }
    await checkpoint.save(record)
    opened.recorded = true
  }
  const saveShared = sharedRun(save)
  const missing = parts.filter(({ partNumber }) => !done.has(partNumber))
  // Without an ETag, several requests cannot be tied to one object.
  const atOnce = etag === undefined ? 1 : parallel
  await inParallel(missing, atOnce, options.signal, async ({ partNumber, start, end }, signal) => {
    const onWritten = (writtenBytes: number): void => progress.advance(partNumber, writtenBytes)
    done.set(partNumber, await reader.readInto({ start, end }, target, { signal, onWritten }))
    target.flush?.()
    await saveShared()
    progress.done(partNumber, end - start + 1)
  })
  // With a part at its end, it is.
  if (parts.length === 0) await reader.verifyLength(options.signal)
}

/** Compares an object that is not sealed with the service's checksum, and returns the result. */
function verified({ reader, parts, done, progress }: OpenDownload, key: string): DownloadResult {
  const { description, sizeBytes, sealed, commitment } = reader
  const { resumedBytes } = progress
  const common = { ...description, sizeBytes, totalBytes: sizeBytes, resumedBytes }
  if (commitment !== undefined) return { ...common, verification: 'aead', sealed, commitment }
  const stored = description.headers[OSS_HEADERS.crc64]
  const crc64 = parts.reduce(
    (sum, { partNumber, start, end }) => combineCrc64(sum, checksumOf(done, partNumber), end - start + 1),
    0n,
  )
  checkStoredChecksum(key, crc64, stored)
  return { ...common, verification: stored === undefined ? 'length' : 'crc64', sealed }
}

function checksumOf(done: ReadonlyMap<number, string>, partNumber: number): bigint {
  const mark = done.get(partNumber)
  if (mark === undefined) throw new TypeError(`Part ${partNumber} was not fetched.`)
  return BigInt(mark)
}

/** Cuts an object into parts of about these lengths: those of a sealed object are whole segments. */
function cut(reader: ObjectReader, { firstBytes, partSizeBytes }: OpenDownload['layout']): readonly Part[] {
  const { sizeBytes } = reader
  const parts: Part[] = []
  for (let start = 0; start < sizeBytes; ) {
    const wanted = start === 0 ? firstBytes : partSizeBytes
    const end = reader.partEnd(Math.min(start + wanted, sizeBytes) - 1)
    parts.push({ partNumber: parts.length + 1, start, end })
    start = end + 1
  }
  return parts
}

function isChanged(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_PRECONDITION_FAILED'
}

function restart(download: Download, why: string): void {
  tell(download, 'restart', `${why} The download restarts.`)
}

function tell({ context, key }: Download, type: TransferEvent['type'], message: string): void {
  log(context.logger, { type, operation: 'download', key, message })
}
