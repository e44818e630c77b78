import { constants } from 'node:buffer'
import { promisify } from 'node:util'
import { unzip } from 'node:zlib'
import { CseError } from '@oss-cse/crypto-core'
import { invalid } from './request-options.ts'

/** How long content may become in memory, in bytes, unless `maxDecompressedBytes` says otherwise. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES: number = 2 ** 30

const unzipped = promisify(unzip)

/**
 * Undoes a Content-Encoding of `gzip` or `deflate`, as ali-oss does where it holds the whole (urllib 2.44 lib/urllib.js
 * `decodeContent`), and not beyond a limit, which ali-oss does not have. Any other content stays as it is.
 *
 * @param limitBytes - how long the result may be
 * @throws CseError `ERR_CSE_DECOMPRESSION` for content that is longer, or that is not what its Content-Encoding says. The
 * error has no cause: those of zlib are not for callers to branch on.
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
        ? `The content of ${objectKey} is longer than ${maxOutputLength} bytes when it is decompressed. Read it with getStream, which leaves it compressed, or raise \`maxDecompressedBytes\`.`
        : `The content of ${objectKey} is not what its Content-Encoding (${encoding}) says: it cannot be decompressed. Read it with getStream, which leaves it as it is.`,
      { objectKey },
    )
  }
}

/**
 * A limit that was given, or the one before it.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for anything but a whole number of bytes from 1, or `Infinity`
 */
export function checkedMaxDecompressedBytes(given: number | null | undefined, otherwise: number): number {
  const limit = given ?? otherwise
  if (limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit >= 1)) return limit
  throw invalid(
    `maxDecompressedBytes is a number of bytes, at least 1, or Infinity for no limit, not ${JSON.stringify(given)}`,
  )
}
