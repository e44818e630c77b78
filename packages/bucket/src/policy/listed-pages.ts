import { type ObjectPage, type PartPage, type PendingUploadPage, TransportError } from '@oss-cse/crypto-core'
import {
  lastListedName,
  MAX_PAGE_ENTRIES,
  objectPageProblem,
  partPageProblem,
  type UploadPosition,
  uploadPageProblem,
} from '@oss-cse/crypto-core/internal'

/** After this many pages in a row without a new entry, a listing fails. Deleted versions cause such pages. */
const MAX_IDLE_PAGES = 1000

/** Where a listing of objects starts, and how large its pages are. */
export interface ListingStart {
  /** The maximum number of entries of a page. Default 1,000. */
  readonly maxKeys?: number | undefined
  /** The first page must start after this key. Absent: it is not checked. */
  readonly after?: string | undefined
}

/**
 * The pages of a listing of objects. Each page is checked before it is returned. Only the current position is kept.
 *
 * @param ask - requests a page of at most `maxKeys` entries
 * @throws CseError `ERR_CSE_SERVICE` for a page that is invalid or does not advance
 */
export async function* objectPages(
  ask: (continuationToken: string | undefined) => Promise<ObjectPage>,
  { maxKeys = MAX_PAGE_ENTRIES, after: start }: ListingStart = {},
): AsyncGenerator<ObjectPage, void, undefined> {
  let after = start
  let continuationToken: string | undefined
  let idlePages = 0
  do {
    const page = await ask(continuationToken)
    check(objectPageProblem(page, { maxKeys, after, continuationToken }), 'objects')
    const last = lastListedName(page, after)
    idlePages = last === after ? idlePages + 1 : 0
    checkIdle(idlePages, 'objects')
    yield page
    after = last
    continuationToken = page.nextContinuationToken
  } while (continuationToken !== undefined)
}

/**
 * The pages of a listing of unfinished uploads, as `objectPages`.
 *
 * @param ask - requests a page
 * @throws CseError `ERR_CSE_SERVICE` as `objectPages`
 */
export async function* uploadPages(
  ask: (position: UploadPosition) => Promise<PendingUploadPage>,
): AsyncGenerator<PendingUploadPage, void, undefined> {
  let position: UploadPosition = {}
  let idlePages = 0
  do {
    const page = await ask(position)
    check(uploadPageProblem(page, position), 'uploads')
    idlePages = page.uploads.length === 0 ? idlePages + 1 : 0
    checkIdle(idlePages, 'uploads')
    yield page
    position = { keyMarker: page.nextKeyMarker, uploadIdMarker: page.nextUploadIdMarker }
  } while (position.keyMarker !== undefined)
}

/**
 * The pages of a listing of an upload's parts, as `objectPages`. Part numbers are unique, so there are at most 10,000
 * parts in total.
 *
 * @param objectKey - the object that the upload creates
 * @param ask - requests a page
 * @throws CseError `ERR_CSE_SERVICE` as `objectPages`
 */
export async function* partPages(
  objectKey: string,
  ask: (marker: string | undefined) => Promise<PartPage>,
): AsyncGenerator<PartPage, void, undefined> {
  let after = 0
  let marker: string | undefined
  do {
    const page = await ask(marker)
    check(partPageProblem(page, { after, marker }), `parts of ${objectKey}`, objectKey)
    yield page
    after = page.parts.at(-1)?.partNumber ?? after
    marker = page.nextMarker
  } while (marker !== undefined)
}

function checkIdle(idlePages: number, what: string): void {
  check(idlePages > MAX_IDLE_PAGES ? `${idlePages} pages in a row had nothing new` : undefined, what)
}

function check(problem: string | undefined, what: string, objectKey?: string): void {
  if (problem === undefined) return
  throw new TransportError(
    'ERR_CSE_SERVICE',
    `The service's listing of ${what} cannot be used: ${problem}. Check the endpoint and any proxy.`,
    { retryable: false, objectKey },
  )
}
