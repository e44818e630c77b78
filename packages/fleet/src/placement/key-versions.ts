import {
  type CallOptions,
  type DeleteMarker,
  type ObjectVersion,
  TransportError,
  type VersionCatalog,
} from '@oss-cse/crypto-core'
import { MAX_PAGE_ENTRIES, versionPageProblem } from '@oss-cse/crypto-core/internal'

/** A version of an object, or the mark of its deletion. */
export type KeyVersion = ObjectVersion | DeleteMarker

/**
 * Lists the versions and delete markers of one key, the newest first. Requests a page only when it is needed.
 *
 * @throws CseError `ERR_CSE_SERVICE` for a listing that is invalid or does not advance; what the catalog throws
 */
export async function* keyVersions(
  catalog: Pick<VersionCatalog, 'listVersions'>,
  key: string,
  { signal }: CallOptions,
): AsyncGenerator<KeyVersion, void, undefined> {
  let position: { readonly keyMarker?: string; readonly versionIdMarker?: string } = {}
  // Usually two or three are wanted. Later pages are for keys with many.
  let maxKeys = 10
  for (;;) {
    const page = await catalog.listVersions({ prefix: key, maxKeys, ...position, signal })
    const problem = versionPageProblem(page, { maxKeys, ...position })
    if (problem !== undefined) throw invalidListing(key, problem)
    for (const version of page.versions) {
      // Of all keys with this prefix, the key itself comes first.
      if (version.key !== key) return
      yield version
    }
    const { nextKeyMarker: keyMarker, nextVersionIdMarker: versionIdMarker } = page
    if (keyMarker !== key) return
    position = { keyMarker, ...(versionIdMarker !== undefined && { versionIdMarker }) }
    maxKeys = MAX_PAGE_ENTRIES
  }
}

function invalidListing(objectKey: string, problem: string): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    `The service's listing of the versions of ${objectKey} cannot be used: ${problem}. Check the endpoint and any proxy.`,
    { retryable: false, objectKey },
  )
}
