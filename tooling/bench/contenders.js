import { measure } from './measure.js'

/**
 * An upload that can be run again and again.
 *
 * @param {import('./context.js').Context} context
 * @param {string} transfer - its name in transfers.js
 * @param {number} sizeBytes
 * @param {{ readBytes?: number }} [options]
 */
export function upload(context, transfer, sizeBytes, options = {}) {
  return async () => {
    const path = await context.workspace.sourceFile(sizeBytes)
    return measure(context, { transfer, key: 'uploaded', path, sizeBytes, ...options })
  }
}

/**
 * A download that can be run again and again. What it wrote is removed each time, and with it what the disk would
 * still have to do while the next one runs.
 *
 * @param {import('./context.js').Context} context
 * @param {string} transfer - its name in transfers.js
 * @param {number} sizeBytes
 * @param {{ flush?: boolean }} [options]
 */
export function download(context, transfer, sizeBytes, options = {}) {
  return async () => {
    const { workspace } = context
    await workspace.needSpace(sizeBytes)
    const key = await context.encryptedObject(sizeBytes)
    try {
      return await measure(context, { transfer, key, path: workspace.path('downloaded'), ...options })
    } finally {
      await workspace.remove('downloaded')
    }
  }
}

/** Reads megabytes a second out of the sample of a transfer. */
export function throughput(sizeBytes) {
  return ({ seconds }) => sizeBytes / seconds / 1e6
}

/** `512 MiB`, for the report. */
export function sizeName(sizeBytes) {
  return sizeBytes >= 2 ** 30 ? `${sizeBytes / 2 ** 30} GiB` : `${sizeBytes / 2 ** 20} MiB`
}
