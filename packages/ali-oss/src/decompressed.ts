import { constants } from 'node:buffer'
import { promisify } from 'node:util'
import { unzip } from 'node:zlib'
import { CseError } from '@oss-cse/crypto-core'
import { invalid } from './request-options.ts'

/** The default of `maxDecompressedBytes`. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES: number = 2 ** 30

const unzipped = promisify(unzip)

/**
 * Decodes a Content-Encoding of `gzip` or `deflate`, as ali-oss does when it holds the whole content (urllib 2.44
 * lib/urllib.js `decodeContent`). Unlike ali-oss, it has a limit. Other content is returned unchanged.
 *
 * @param limitBytes - the maximum length of the result
 * @throws CseError `ERR_CSE_DECOMPRESSION` for content that is too long, or that does not match its Content-Encoding.
 *   The error has no cause, because callers should not branch on errors of zlib.
 */
export async function decompressed(
  content: Buffer,
  encoding: string | undefined,
  limitBytes: number,
  objectKey: string,
): Promise<Buffer> {
  if (content.length === 0 || !/^(gzip|deflate)$/i.test(encoding ?? '')) return content
  const maxOutputLength = Math.min(limitBytes, constants.MAX_LENGTH)
  try {
    return await unzipped(content, { maxOutputLength })
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw new CseError(
      'ERR_CSE_DECOMPRESSION',
      tooLong
        ? `The content of ${objectKey} is longer than ${maxOutputLength} bytes after decompression. Read it with getStream, which does not decompress, or raise \`maxDecompressedBytes\`.`
        : `The content of ${objectKey} cannot be decompressed: it does not match its Content-Encoding (${encoding}). Read it with getStream, which does not decompress.`,
      { objectKey },
    )
  }
}

/**
 * Returns the limit that was passed, or the default.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for anything but a whole number of bytes from 1, or `Infinity`
 */
export function checkedMaxDecompressedBytes(given: number | null | undefined, otherwise: number): number {
  const limit = given ?? otherwise
  if (limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit >= 1)) return limit
  throw invalid(
    `maxDecompressedBytes must be a number of bytes, at least 1, or Infinity for no limit, not ${JSON.stringify(given)}`,
  )
}
