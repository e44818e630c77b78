import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { FORMATS } from './formats.js'
import { Site } from './site.js'

/** What the parts of a sealed object need beyond its plaintext, at the most. */
const ROOM_BYTES = 4096

/**
 * @typedef {object} InterruptedTransfer
 * @property {Site} site
 * @property {{ bytes: Buffer, path: string }} source - what is transferred
 * @property {number} number
 * @property {import('@oss-cse/crypto-core').ContentFormat} format
 * @property {string} directory - its own
 * @property {{ operation: 'upload' | 'download', key: string, path: string }} transfer
 * @property {'part' | 'get'} bytesKind - the kind of the requests that carry its bytes
 * @property {import('./random.js').Random} choice
 */

/**
 * Has uploads and downloads in turn, each of so many parts, to be interrupted: by turns with AES-CTR and sealed.
 *
 * @param {{ count: number, parts: number, partKiB: number, parallel: number, random: import('./random.js').Random }} options
 * - `count`: of uploads, and as many of downloads
 * @param {(interrupted: InterruptedTransfer) => Promise<void>} interrupt - does the transfer
 */
export async function eachInterrupted({ count, parts, partKiB, parallel, random }, interrupt) {
  const site = await Site.open({ partKiB, parallel })
  try {
    const source = site.randomFile('source', parts * site.partBytes - ROOM_BYTES - random.integer(0, 1000))
    for (const format of FORMATS) await site.put(source.path, format, { format }).ended
    for (let number = 0; number < count; number++) {
      const format = FORMATS[number % FORMATS.length]
      for (const operation of ['upload', 'download']) {
        const choice = random.fork(`${operation} ${number}`)
        const directory = site.workspace.path(`${operation}-${number}`)
        const transfer =
          operation === 'upload'
            ? { operation, key: `uploaded-${number}`, path: source.path }
            : { operation, key: format, path: join(directory, 'file') }
        mkdirSync(directory)
        site.tap.reset()
        const bytesKind = operation === 'upload' ? 'part' : 'get'
        await interrupt({ site, source, number, format, directory, transfer, bytesKind, choice })
      }
    }
  } finally {
    await site.close()
  }
}
