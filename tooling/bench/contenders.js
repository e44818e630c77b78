import { measure } from './measure.js'

/** The server keeps what is checked in memory. */
const CHECKED_BYTES = 2 ** 30

/**
 * An upload that can be run again and again. Before the first run it is done once more, in the same way, and the bytes
 * that the server received are compared with an independent encryption of the file.
 *
 * @param {import('./context.js').Context} context
 * @param {string} transfer - its name in transfers.js
 * @param {number} sizeBytes - more than 1 GiB is not compared
 * @param {{ readBytes?: number }} [options]
 */
export function upload(context, transfer, sizeBytes, options = {}) {
  const key = 'uploaded'
  let unchecked = sizeBytes <= CHECKED_BYTES
  return async () => {
    const path = await context.workspace.sourceFile(sizeBytes)
    const run = () => measure(context, { transfer, key, path, sizeBytes, ...options })
    if (unchecked) {
      unchecked = false
      await check(context, transfer, { key, sourcePath: path }, run)
    }
    return run()
  }
}

async function check({ sink, privateKey }, transfer, sent, run) {
  await sink.keep(true)
  try {
    await run()
    const plain = transfer.startsWith('plain-')
    const wrong = await sink.check({ ...sent, ...(!plain && { privateKey }) })
    if (wrong !== undefined) throw new Error(`${transfer} sent other bytes than it had to: ${wrong}`)
  } finally {
    await sink.keep(false)
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
