import { usageError } from '../base/cli-error.ts'
import { isDots, lastSegment } from '../server/last-segment.ts'

/** What Windows refuses in a file name, or reads as a path or as a stream of a file. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Windows refuses control characters
const NOT_ON_WINDOWS = /[\\/:*?"<>|\x00-\x1f]|[. ]$/
/** What Windows reads as a device, with any extension. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i

/** The limit of common file systems. Linux counts bytes, others count UTF-16 units, of which there are never more. */
const MAX_NAME_BYTES = 255

/**
 * The default file name of an object: the last segment of its key.
 *
 * @throws CliError of kind `usage` if that is not a file name, or would leave its directory
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
  throw usageError(`The key ${JSON.stringify(key)} does not end in a valid file name. Name a file.`)
}
