import { extname } from 'node:path'
import type Mime from 'mime'

/** The table of types, once it is loaded. It is that of ali-oss. */
let table: typeof Mime | undefined

/**
 * Guesses the type of an object from its key, as ali-oss 6.23 lib/common/utils/createRequest.js does.
 *
 * @returns undefined for a key without a known extension
 */
export async function guessContentType(key: string): Promise<string | undefined> {
  const extension = extname(key)
  if (extension === '') return undefined
  table ??= (await import('mime')).default
  return table.getType(extension) ?? undefined
}
