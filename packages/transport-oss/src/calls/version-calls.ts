import type {
  BucketVersioning,
  CallOptions,
  DeleteMarker,
  ListVersionsRequest,
  ObjectVersion,
  VersionPage,
} from '@oss-cse/crypto-core'
import { MAX_PAGE_ENTRIES, unusableResponse, versionPageProblem } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import type { ExchangeResponse } from '../http/http-exchange.ts'
import { childElements, childText, requestDocument } from './document-request.ts'
import { invalidArgument } from './invalid-argument.ts'
import { checkMaxKeys, checkPage } from './listing-calls.ts'
import { deleteMarker, type ListedMarker, type ListedVersion, objectVersion } from './listing-entries.ts'
import { nameDecoder } from './listing-names.ts'
import { contextOf, type OssCall, runCall } from './oss-call.ts'

/** See `OssTransport.listVersions`. */
export async function listVersions(
  connection: Connection,
  { prefix, keyMarker, versionIdMarker, maxKeys, signal }: ListVersionsRequest,
): Promise<VersionPage> {
  checkMaxKeys(maxKeys)
  if (versionIdMarker !== undefined && keyMarker === undefined) {
    throw invalidArgument('`versionIdMarker` needs `keyMarker`.')
  }
  const query = {
    'encoding-type': 'url',
    ...(prefix && { prefix }),
    ...(keyMarker && { 'key-marker': keyMarker }),
    ...(versionIdMarker && { 'version-id-marker': versionIdMarker }),
    ...(maxKeys !== undefined && { 'max-keys': maxKeys }),
  }
  const call: OssCall = { operation: 'list the versions', signal, expected: { root: 'ListVersionsResult' } }
  const { value, response } = await runCall(
    connection,
    call,
    async (client, response): Promise<VersionPage> => {
      // ali-oss 6.23 lib/common/object/getBucketVersions.js drops which delete marker is the latest.
      const page = await requestDocument(client, { subres: { versions: '' }, query })
      const decode = nameDecoder(response())
      const versions = inOrder(
        response(),
        childElements<ListedVersion>(page, 'Version').map((version) => objectVersion(version, decode)),
        childElements<ListedMarker>(page, 'DeleteMarker').map((marker) => deleteMarker(marker, decode)),
      )
      if (childText(page, 'IsTruncated') !== 'true') return { versions }
      const nextVersionIdMarker = childText(page, 'NextVersionIdMarker')
      return {
        versions,
        nextKeyMarker: decode(childText(page, 'NextKeyMarker') ?? ''),
        ...(nextVersionIdMarker && { nextVersionIdMarker }),
      }
    },
  )
  const position = { maxKeys: maxKeys ?? MAX_PAGE_ENTRIES, keyMarker, versionIdMarker }
  checkPage(connection, call, response, versionPageProblem(value, position))
  return value
}

/** No text of a document contains such a tag, because it would be escaped. */
const ENTRY = /<(Version|DeleteMarker)[\s/>]/g

/** Restores the order of versions and delete markers among each other, which the XML parser does not keep. */
function inOrder(
  response: ExchangeResponse | undefined,
  versions: readonly ObjectVersion[],
  markers: readonly DeleteMarker[],
): readonly (ObjectVersion | DeleteMarker)[] {
  const { buffer, byteOffset, byteLength } = response?.data ?? new Uint8Array()
  const tags = [...Buffer.from(buffer, byteOffset, byteLength).toString('latin1').matchAll(ENTRY)]
  const [versionsLeft, markersLeft] = [versions.values(), markers.values()]
  const ordered = tags.flatMap(([, tag]) => {
    const { value } = tag === 'Version' ? versionsLeft.next() : markersLeft.next()
    return value === undefined ? [] : [value]
  })
  if (ordered.length !== tags.length || ordered.length !== versions.length + markers.length) {
    throw new Error('The order of the entries is unknown.')
  }
  return ordered
}

/** See `OssTransport.getVersioning`. */
export async function getVersioning(
  connection: Connection,
  { signal }: CallOptions,
): Promise<BucketVersioning> {
  const call: OssCall = {
    operation: 'read the versioning',
    signal,
    expected: { root: 'VersioningConfiguration' },
  }
  const { value: statuses, response } = await runCall(connection, call, async (client) => {
    const configuration = await requestDocument(client, { subres: { versioning: '' } })
    return childElements<unknown>(configuration, 'Status')
  })
  const [status, ...others] = statuses
  if (statuses.length === 0) return 'Unversioned'
  if (others.length === 0 && (status === 'Enabled' || status === 'Suspended')) return status
  throw unusableResponse(
    contextOf(connection, call),
    response.status,
    'its versioning is not one that is known',
  )
}
