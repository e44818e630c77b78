import { openStoredRead } from '@oss-cse/bucket/internal'
import { CseError, concatBytes, type ObjectTransport, type RetryPolicy } from '@oss-cse/crypto-core'
import * as v from 'valibot'

/** Where an inventory is. */
export interface InventorySource {
  /** The transport of the bucket that the inventory was written to. */
  readonly transport: Pick<ObjectTransport, 'get'>
  /** The key of its `manifest.json`. */
  readonly manifestKey: string
  /** The bucket that the inventory must be about: that of the run. */
  readonly sourceBucket: string
}

/** How requests are sent. */
export interface InventoryRequests {
  readonly retry: RetryPolicy
  readonly signal: AbortSignal
}

/** A file of an inventory. */
export interface InventoryFile {
  readonly key: string
  /** In lower case hexadecimal. */
  readonly md5: string
}

/** The manifest of an inventory whose files can be read. */
export interface InventoryManifest {
  readonly sourceBucket: string
  /** The names of the columns of each file. */
  readonly columns: readonly string[]
  readonly files: readonly InventoryFile[]
}

/** A manifest of ten thousand files has about 2 MB. */
const MAX_MANIFEST_BYTES = 64 * 1024 ** 2

const ManifestSchema = v.object({
  sourceBucket: v.string(),
  fileFormat: v.string(),
  fileSchema: v.string(),
  files: v.array(
    v.object({
      key: v.pipe(v.string(), v.minLength(1)),
      MD5checksum: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/i)),
    }),
  ),
  // Of an incremental inventory alone.
  endTimestamp: v.optional(v.unknown()),
})

/**
 * Reads the manifest of an inventory and checks that its files can be read.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the object is no manifest, when the inventory is of another bucket or is
 * incremental, and for another format than CSV or a list of columns without `Bucket` or `Key`; what the transport throws
 */
export async function readInventoryManifest(
  { transport, manifestKey, sourceBucket }: InventorySource,
  { retry, signal }: InventoryRequests,
): Promise<InventoryManifest> {
  const unfit = (why: string): CseError =>
    new CseError('ERR_CSE_INVALID_ARGUMENT', `${manifestKey} cannot be used: ${why}`, {
      objectKey: manifestKey,
    })
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of await openStoredRead(transport, { key: manifestKey, retry, signal })) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_MANIFEST_BYTES) throw unfit('it is too large for a manifest of an inventory.')
    chunks.push(chunk.slice())
  }
  const parsed = v.safeParse(ManifestSchema, parsedJson(concatBytes(chunks)))
  if (!parsed.success) throw unfit('it is not the manifest.json of an inventory.')
  const { output } = parsed
  if (output.endTimestamp !== undefined) {
    throw unfit('it is an incremental inventory, which lists changes. Give a full one.')
  }
  if (output.sourceBucket !== sourceBucket) {
    throw unfit(`it is the inventory of the bucket ${output.sourceBucket}, and not of ${sourceBucket}.`)
  }
  if (output.fileFormat !== 'CSV') {
    throw unfit(`its format is ${output.fileFormat}. Only inventories in CSV can be read.`)
  }
  const columns = output.fileSchema.split(',').map((name) => name.trim())
  for (const name of ['Bucket', 'Key']) {
    if (!columns.includes(name)) throw unfit(`its files have no column ${name}.`)
  }
  const files = output.files.map(({ key, MD5checksum }) => ({ key, md5: MD5checksum.toLowerCase() }))
  return { sourceBucket, columns, files }
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
