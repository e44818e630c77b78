import { aesCtr } from './aes-ctr.js'
import { dropIn } from './drop-in.js'
import { get } from './get.js'
import { kms } from './kms.js'
import { put } from './put.js'
import { range } from './range.js'
import { resumableDownload } from './resumable-download.js'
import { resumableUpload } from './resumable-upload.js'
import { rss } from './rss.js'

/**
 * Everything that is measured, by the name that `--only` takes.
 *
 * @type {Record<string, (context: import('../context.js').Context) => Promise<{
 *   rows: import('../rows.js').Row[], samples: object
 * }>>}
 */
export const scenarios = {
  'aes-ctr': aesCtr,
  put,
  get,
  'resumable-upload': resumableUpload,
  'resumable-download': resumableDownload,
  rss,
  range,
  kms,
  'drop-in': dropIn,
}
