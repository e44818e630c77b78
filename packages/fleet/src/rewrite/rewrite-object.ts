import {
  type CallOptions,
  CseError,
  callWithRetries,
  type HeaderMap,
  type ObjectSettings,
  type ObjectSummary,
  type ObjectTransport,
  OSS_HEADERS,
  type RetryPolicy,
} from '@oss-cse/crypto-core'
import { isRetryable } from '@oss-cse/crypto-core/internal'
import type { NewContent } from '../content/new-content.ts'
import { StoredOtherwise } from '../content/stored-otherwise.ts'
import { carriedHeaders, settingHeaders } from '../objects/carried-headers.ts'
import { classify } from '../objects/classify.ts'
import { failureRow } from '../objects/failure-row.ts'
import { listedRow } from '../objects/listed-row.ts'
import { isBucketMissing, isMissing } from '../objects/missing.ts'
import { findSource, type SourceObject } from '../objects/source-object.ts'
import { type Placement, type PlaceOptions, StopRun } from '../placement/placement.ts'
import type { ReportOutcome, ReportRow } from '../report/report-row.ts'
import { isThrottled } from '../throttle/is-throttled.ts'

/** What a command does to the content of objects. */
export interface Rewriting {
  readonly done: 'rotated' | 'migrated'
  readonly would: 'would-rotate' | 'would-migrate'
  /** Tells from its headers what is to be done with an object: `rewrite`, `already`, or why nothing is. */
  judge(source: SourceObject): 'rewrite' | ReportOutcome
  /**
   * Prepares the new content of an object that is to be rewritten, or the same content of one that is to be copied.
   *
   * @param headers - those of the new object, without its envelope
   */
  newContent(
    source: SourceObject,
    headers: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<NewContent>
  readonly sameContent: PlaceOptions['sameContent']
}

/** What all objects of a shard are rewritten with. */
export interface RewriteContext {
  readonly transport: ObjectTransport & ObjectSettings
  readonly rewriting: Rewriting
  readonly placement: Placement
  readonly keepLastModified: boolean
  /** Tells whether one more object may be written, and counts it if so. */
  readonly mayWrite: () => boolean
  readonly retry: RetryPolicy
}

/** After as many races with other writers, an object fails. */
const MAX_RACES = 5

/** Throttling does not use up the attempts on an object, unless it happens as many times. */
const MAX_THROTTLED_ROUNDS = 6

/**
 * Judges an object, gives it new content if that is due, and judges it again if somebody else wrote meanwhile.
 *
 * @throws CseError a failure that is not about this object; the signal's reason
 */
export async function rewriteObject(
  context: RewriteContext,
  object: ObjectSummary,
  signal: AbortSignal | undefined,
): Promise<ReportRow> {
  let granted: boolean | undefined
  const mayWrite = (): boolean => {
    granted ??= context.mayWrite()
    return granted
  }
  const placed = new Set<string>()
  const once = (): Promise<ReportRow | 'raced'> =>
    rewriteOnce({ ...context, mayWrite }, object, placed, signal)
  const mayRetry = (error: unknown): boolean => isRetryable(causeOf(error))
  let readAgain = false
  let throttledRounds = 0
  let races = 0
  for (;;) {
    const raced = races > 0 && { races }
    try {
      const row = await callWithRetries(once, { retry: context.retry, signal, mayRetry })
      if (row !== 'raced') return { ...row, ...raced }
    } catch (error) {
      const settled = await isSettled(context, object.key, placed)
      signal?.throwIfAborted()
      if (error instanceof StopRun) throw error.cause
      if (isAltered(error) && !readAgain) {
        // It may have been altered on its way.
        readAgain = true
        continue
      }
      if (isThrottled(error) && throttledRounds < MAX_THROTTLED_ROUNDS) {
        throttledRounds += 1
        continue
      }
      if (!isChanged(error)) {
        return { ...failedRow(object, causeOf(error)), ...raced, ...(!settled && { unsettled: true }) }
      }
    }
    races += 1
    if (races > MAX_RACES) {
      return { ...listedRow(object), outcome: 'failed', code: 'ERR_CSE_SOURCE_CHANGED', races }
    }
  }
}

/** @param placed - the versions that were placed by writes that were interrupted, and that are in order. More are added */
async function rewriteOnce(
  context: RewriteContext,
  object: ObjectSummary,
  placed: Set<string>,
  signal: AbortSignal | undefined,
): Promise<ReportRow | 'raced'> {
  const { transport, rewriting, placement, keepLastModified } = context
  const { key } = object
  const { sameContent } = rewriting
  const settled = await placement.settle(key, { sameContent })
  for (const versionId of settled.placed) placed.add(versionId)
  const source = await findSource(transport, key, { signal })
  if (source === undefined) return { ...listedRow(object), outcome: 'gone' }
  const { outcome: _outcome, ...described } = sourceRow(object, source)
  const row = (outcome: ReportOutcome): ReportRow => ({ ...described, outcome })
  const verdict = rewriting.judge(source)
  // By an earlier worker of this shard, or by this one, before the response was lost.
  if (verdict === 'already' && source.versionId !== undefined && placed.has(source.versionId)) {
    return row(rewriting.done)
  }
  const copies = verdict === 'already' && placement.copies
  if (verdict !== 'rewrite' && !copies) {
    return verdict === 'damaged' || verdict === 'altered' ? sourceRow(object, source) : row(verdict)
  }
  const obstacle = obstacleTo(source)
  if (obstacle !== undefined) return row(obstacle)
  if (!context.mayWrite()) return row(copies ? 'would-copy' : rewriting.would)
  const carried = await carriedHeaders(source, transport, { keepLastModified, signal })
  const content = await rewriting.newContent(source, carried.headers, { signal })
  const outcome = await placement.place(source, content, {
    signal,
    sameContent,
    sameSettings: async (versionId) => {
      try {
        // Without the signal: what was placed must be judged, also when the run was cancelled.
        const read = () => settingHeaders({ key, versionId }, transport, {})
        // Repeated here: the next round would find the object done, and not look at its settings.
        const now = await callWithRetries(read, { retry: context.retry, signal: undefined })
        return settingsText(now) === settingsText(carried.headers)
      } catch (error) {
        // Somebody removed the older version for good. What was placed is the only one with its content.
        if (isMissing(error)) return true
        throw error
      }
    },
  })
  if (outcome === 'raced') return 'raced'
  const { notCarried } = carried
  return {
    ...row(outcome === 'placed' ? (copies ? 'copied' : rewriting.done) : outcome),
    ...(notCarried.length > 0 && { notCarried }),
  }
}

function settingsText({ [OSS_HEADERS.objectAcl]: acl, [OSS_HEADERS.tagging]: tagging }: HeaderMap): string {
  return JSON.stringify({ acl, tagging })
}

/** Why an object must not be read or replaced, although it is due. */
function obstacleTo({ attributes }: SourceObject): ReportOutcome | undefined {
  const { type, retention, needsRestore } = attributes
  if (type?.toLowerCase() === 'appendable') return 'appendable'
  if (retention !== undefined) return 'retained'
  return needsRestore ? 'needs-restore' : undefined
}

function sourceRow(object: ObjectSummary, source: SourceObject): ReportRow {
  const { headers, sizeBytes, lastModified, versionId } = source
  return {
    ...listedRow({ ...object, sizeBytes, lastModified }),
    ...(versionId !== undefined && { versionId }),
    ...classify(headers, sizeBytes),
  }
}

function failedRow(object: ObjectSummary, error: unknown): ReportRow {
  if (error instanceof StoredOtherwise) return { ...failureRow(object, error.cause), outcome: 'failed' }
  return failureRow(object, error)
}

/** Puts in order what a failed write left, and tells whether that succeeded. */
async function isSettled(
  { placement, rewriting }: RewriteContext,
  key: string,
  placed: Set<string>,
): Promise<boolean> {
  try {
    const settled = await placement.settle(key, rewriting)
    for (const versionId of settled.placed) placed.add(versionId)
    return true
  } catch {
    return false
  }
}

/** A body that failed is reported by the transport that sent it. What matters is its cause. */
function causeOf(error: unknown): unknown {
  if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_SOURCE') return error
  return CseError.isInstance(error.cause) ? error.cause : error
}

function isAltered(error: unknown): boolean {
  const cause = causeOf(error)
  return CseError.isInstance(cause) && ALTERED.has(cause.code)
}

const ALTERED: ReadonlySet<string> = new Set(['ERR_CSE_INTEGRITY', 'ERR_CSE_AUTHENTICATION_FAILED'])

const CHANGED: ReadonlySet<string> = new Set([
  'ERR_CSE_NOT_FOUND',
  'ERR_CSE_PRECONDITION_FAILED',
  'ERR_CSE_SOURCE_CHANGED',
])

/** The object is not the one that was judged any more. */
function isChanged(error: unknown): boolean {
  const cause = causeOf(error)
  return CseError.isInstance(cause) && CHANGED.has(cause.code) && !isBucketMissing(cause)
}
