import type { HeaderMap, ObjectSummary } from '@oss-cse/crypto-core'
import type { ReportRow } from '../report/report-row.ts'

/** The fields of a row that a listing determines. */
export function listedRow({
  key,
  sizeBytes,
  lastModified,
  storageClass,
}: ObjectSummary): Pick<ReportRow, 'key' | 'sizeBytes' | 'lastModified' | 'storageClass'> {
  return {
    key,
    sizeBytes,
    lastModified: lastModified.toISOString(),
    ...(storageClass !== undefined && { storageClass }),
  }
}

/** The length of the stored object: what its own response says, because it may have changed since it was listed. */
export function storedBytes(object: ObjectSummary, headers: HeaderMap): number {
  const text = headers['content-length']
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : object.sizeBytes
}
