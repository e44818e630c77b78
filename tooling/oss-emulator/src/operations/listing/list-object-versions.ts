import { invalidArgument } from '../../protocol/error-catalog.ts'
import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import type { XmlElement } from '../../protocol/xml.ts'
import { compareBytes } from '../../storage/compare-bytes.ts'
import type { ObjectRecord } from '../../storage/records.ts'
import { encodingElement, keyEncoder } from '../key-encoding.ts'
import { type OperationContext, OWNER } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'
import { contentElements } from './content-elements.ts'
import { listPage } from './list-page.ts'
import { listQuery } from './list-query.ts'

/** ListObjectVersions. */
export function listObjectVersions(context: OperationContext): OssResponse {
  const { request } = context
  const bucket = existingBucket(context.store, context.bucket)
  const query = listQuery(context)
  const keyMarker = request.parameter('key-marker') ?? ''
  const versionMarker = request.parameter('version-id-marker') ?? ''
  if (versionMarker !== '' && keyMarker === '') {
    throw invalidArgument('A version-id marker cannot be specified without a key marker.', '0012-00000106')
  }
  const encode = keyEncoder(request)
  const rows: { readonly key: string; readonly version: ObjectRecord; readonly latest: boolean }[] = []
  const page = listPage(bucket.sortedKeys(), { ...query, after: '', limit: Number.MAX_SAFE_INTEGER })
  for (const key of page.entries) {
    const order = compareBytes(key, keyMarker)
    const versions = bucket.keys.get(key) ?? []
    const marked = versions.findIndex(({ versionId }) => versionId === versionMarker)
    if (keyMarker !== '' && (order < 0 || (order === 0 && versionMarker === ''))) continue
    const skip = keyMarker !== '' && order === 0 ? marked + 1 : 0
    for (const [index, version] of versions.entries()) {
      if (index >= skip) rows.push({ key, version, latest: index === 0 })
    }
  }
  const prefixes = page.commonPrefixes.filter(
    (prefix) => keyMarker === '' || compareBytes(prefix, keyMarker) > 0,
  )
  const order = [
    ...rows.map((row) => ({ name: row.key, row })),
    ...prefixes.map((name) => ({ name, row: undefined })),
  ].sort((a, b) => compareBytes(a.name, b.name))
  const shown = order.slice(0, query.limit)
  const last = order.length > shown.length ? shown.at(-1) : undefined
  const content = ({ key, version, latest }: (typeof rows)[number]): XmlElement => ({
    Key: encode(key),
    VersionId: version.versionId,
    IsLatest: latest,
    LastModified: version.lastModified,
    ...(version.deleteMarker ? {} : contentElements(version)),
    Owner: OWNER,
  })
  // Versions and delete markers stand in one sequence.
  const entries = shown.flatMap(({ row }): readonly XmlElement[] => {
    if (row === undefined) return []
    return [row.version.deleteMarker ? { DeleteMarker: content(row) } : { Version: content(row) }]
  })
  const root = {
    ListVersionsResult: {
      Name: context.bucket,
      Prefix: encode(query.prefix),
      KeyMarker: encode(keyMarker),
      VersionIdMarker: versionMarker,
      MaxKeys: query.limit,
      Delimiter: encode(query.delimiter),
      ...encodingElement(request),
      IsTruncated: last !== undefined,
      ...(last === undefined
        ? {}
        : { NextKeyMarker: encode(last.name), NextVersionIdMarker: last.row?.version.versionId ?? '' }),
      CommonPrefixes: shown.flatMap(({ name, row }) => (row === undefined ? [{ Prefix: encode(name) }] : [])),
    },
  }
  return xmlResponse(root, {}, entries)
}
