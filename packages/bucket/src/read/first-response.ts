import { type ByteRange, CseError, type GetObjectResponse } from '@oss-cse/crypto-core'
import { rangeHeader, sealedRangeHeader } from '@oss-cse/crypto-core/internal'
import type { ObjectRequests } from '../requests/object-requests.ts'

/**
 * Sends the first request of a read. Where the segments of a range are depends on the format, which only the response tells: a
 * wrong guess takes a second request.
 */
export async function firstResponse(
  requests: ObjectRequests,
  range: ByteRange | undefined,
  sealed: boolean,
): Promise<GetObjectResponse> {
  if (range === undefined || !sealed) return requests.first(range && rangeHeader(range))
  // The service may say so of an object that was truncated. The last segment proves the length; an object without any byte has
  // none, and is judged as a whole.
  return orIfBeyond(requests.first(sealedRangeHeader(range)), () =>
    orIfBeyond(requests.first(sealedRangeHeader({ suffixLength: 1 })), () => requests.first(undefined)),
  )
}

async function orIfBeyond(
  response: Promise<GetObjectResponse>,
  otherwise: () => Promise<GetObjectResponse>,
): Promise<GetObjectResponse> {
  try {
    return await response
  } catch (error) {
    if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_RANGE_NOT_SATISFIABLE') throw error
    return otherwise()
  }
}
