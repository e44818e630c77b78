import { usageError } from '../base/cli-error.ts'
import { isDots, lastSegment } from '../server/last-segment.ts'

/** What Windows does not take in a name, or takes for a path or a stream of a file. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Windows refuses control characters
const NOT_ON_WINDOWS = /[\\/:*?"<>|\x00-\x1f]|[. ]$/
/** What Windows takes for a device, whatever extension follows. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i

/** What common file systems take at most: Linux counts bytes, others UTF-16 units, which are never more. */
const MAX_NAME_BYTES = 255

/**
 * The file name that an object gets here when none is given: the last segment of its key.
 *
 * @throws CliError of kind `usage` where that is no file name, or would lead out of its directory
 */
export function localNameOf(key: string, platform: NodeJS.Platform = process.platform): string {
  const name = lastSegment(key)
  const impossible =
    name === '' ||
    isDots(name) ||
    name.includes('\0') ||
    Buffer.byteLength(name) > MAX_NAME_BYTES ||
    (platform === 'win32' && (NOT_ON_WINDOWS.test(name) || WINDOWS_DEVICE.test(name)))
  if (!impossible) return name
  throw usageError(
    `The key ${JSON.stringify(key)} does not end in a name that a file can have here: name a file.`,
  )
}
