import { CseError, OSS_HEADERS, plaintextLength } from '@oss-cse/crypto-core'
import { SEALED_CEK_ALGORITHM, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import type { StatusResult } from './ali-oss-gaps.ts'
import { type AliOssResponse, visibleHeaders } from './ali-oss-response.ts'

/** The two requests for the headers of an object. */
export interface MetaRequests {
  /** A HEAD. The response has the envelope. */
  head(): Promise<{ readonly status: number; readonly res: object }>
  /** A HEAD with `?objectMeta`, which describes a symbolic link itself. The response has no envelope. */
  meta(): Promise<StatusResult>
}

/**
 * Returns the headers of an object with the length of its plaintext. See `CryptoOSS.getObjectMeta`. One request, and a
 * second one for a symbolic link.
 *
 * @throws CseError `ERR_CSE_AUTHENTICATION_FAILED` for a length that no sealed object has; what the requests throw
 */
export async function objectMeta(name: string, { head, meta }: MetaRequests): Promise<StatusResult> {
  const { status, res } = await head()
  const response = res as AliOssResponse
  const { headers } = response
  const isLink = headers[OSS_HEADERS.objectType]?.toLowerCase() === 'symlink'
  // In ali-oss, an object that is not modified is a result of `head`, but an error of `getObjectMeta`.
  if (isLink || status !== 200) return meta()
  const { 'content-length': stored, ...others } = visibleHeaders(headers)
  const isSealed = headers[V2_HEADERS.cekAlgorithm] === SEALED_CEK_ALGORITHM
  const length = isSealed && stored !== undefined ? plaintextOf(name, Number(stored)) : stored
  return {
    status,
    res: { ...response, headers: { ...others, ...(length !== undefined && { 'content-length': length }) } },
  }
}

/** Returns the headers of a request whose response states the length: not one of compressed content. */
export function uncompressed(headers: object | undefined): Record<string, unknown> {
  const others = Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'accept-encoding')
  return Object.fromEntries(others)
}

function plaintextOf(name: string, storedBytes: number): string {
  try {
    return String(plaintextLength(storedBytes))
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    throw new CseError(error.code, `${name}: ${error.message}`, { objectKey: name })
  }
}
