import type { ObjectTransport, RetryPolicy } from '@oss-cse/crypto-core'
import { sliceResponse } from '@oss-cse/crypto-core/internal'
import { ObjectRequests } from './object-requests.ts'
import { closeIterator, ResumedRead } from './resumed-read.ts'

/** Options of `openStoredRead`. */
export interface StoredReadOptions {
  readonly key: string
  readonly retry: RetryPolicy
  readonly signal: AbortSignal
}

/**
 * Opens an object to read its bytes as they are stored, whatever they are. If the connection breaks, the read resumes at the
 * same byte of the same object. Read it to its end, or close it.
 *
 * @throws CseError what the transport throws; while it is read, as `ResumedRead`
 */
export async function openStoredRead(
  transport: Pick<ObjectTransport, 'get'>,
  { key, retry, signal }: StoredReadOptions,
): Promise<ResumedRead> {
  const source = {
    ossHeaders: true,
    request: (headers: Readonly<Record<string, string>>, bound: AbortSignal) =>
      transport.get({ key, headers, signal: bound }),
  }
  const requests = new ObjectRequests(source, {}, { operation: 'get', key, retry, logger: undefined, signal })
  const response = await requests.first(undefined)
  try {
    const { etag = '' } = response.headers
    return new ResumedRead({
      key,
      response,
      slice: sliceResponse(undefined, response),
      reopen: (start, end, error) => requests.resume(etag, start, end, error),
    })
  } catch (error) {
    await closeIterator(response.body[Symbol.asyncIterator]())
    throw error
  }
}
