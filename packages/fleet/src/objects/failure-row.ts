import { CseError, type CseErrorCode, type ObjectSummary, TransportError } from '@oss-cse/crypto-core'
import type { ReportOutcome, ReportRow } from '../report/report-row.ts'
import { listedRow } from './listed-row.ts'
import { isBucketMissing } from './missing.ts'

const OUTCOMES: ReadonlyMap<CseErrorCode, ReportOutcome> = new Map([
  ['ERR_CSE_NOT_ENCRYPTED', 'plain'],
  ['ERR_CSE_ENVELOPE_DAMAGED', 'damaged'],
  ['ERR_CSE_UNSUPPORTED_ALGORITHM', 'damaged'],
  ['ERR_CSE_INTEGRITY', 'altered'],
  ['ERR_CSE_AUTHENTICATION_FAILED', 'altered'],
  ['ERR_CSE_NOT_FOUND', 'gone'],
])

/** Outcomes that an error code does not explain any further. */
const SELF_EXPLANATORY: ReadonlySet<ReportOutcome> = new Set(['plain', 'gone', 'needs-restore'])

/**
 * The row of an object that could not be read, or is not what it should be.
 *
 * @throws the error itself if it is not about this object: the bucket does not exist, or the program is wrong
 */
export function failureRow(object: ObjectSummary, error: unknown): ReportRow {
  if (!CseError.isInstance(error) || isBucketMissing(error)) throw error
  const { serviceCode, requestId } = TransportError.isInstance(error) ? error : {}
  const outcome =
    serviceCode === 'InvalidObjectState' ? 'needs-restore' : (OUTCOMES.get(error.code) ?? 'failed')
  return {
    ...listedRow(object),
    outcome,
    ...(!SELF_EXPLANATORY.has(outcome) && { code: error.code }),
    ...(error.byteRange !== undefined && { byteRange: error.byteRange }),
    ...(outcome === 'failed' && serviceCode !== undefined && { serviceCode }),
    ...(outcome === 'failed' && requestId !== undefined && { requestId }),
  }
}
