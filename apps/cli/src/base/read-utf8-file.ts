import { readFile } from 'node:fs/promises'

/** A file's bytes are not UTF-8. */
export class NotUtf8 extends Error {
  override readonly name: string = 'NotUtf8'
}

/**
 * Reads a text file. Bytes that are not UTF-8 are not replaced, because that would change names and values.
 *
 * @param read - reads the bytes of the file
 * @throws NotUtf8; the system's errors
 */
export async function readUtf8File(
  path: string,
  read: (path: string) => Promise<Uint8Array> = readFile,
): Promise<string> {
  const bytes = await read(path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new NotUtf8('The file is not valid UTF-8.', { cause })
  }
}
