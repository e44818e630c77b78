import { stringify } from 'csv-stringify/sync'
import { createMd5 } from '../md5.node.ts'

/** An object, or a version of one, in an inventory for tests. */
export interface InventoryEntry {
  readonly key: string
  readonly sizeBytes?: number
  /** Default true. */
  readonly isLatest?: boolean
  /** Default false. */
  readonly isDeleteMarker?: boolean
}

/** An inventory for tests. */
export interface InventoryContent {
  readonly sourceBucket: string
  /** What each file contains, in its order. */
  readonly files: readonly (readonly InventoryEntry[])[]
  /** Whether it has the columns of all versions. Default false. */
  readonly allVersions?: boolean
}

/** The key of the manifest of an inventory for tests, after its prefix. */
export const INVENTORY_MANIFEST = 'manifest.json'

/**
 * Makes the objects of an inventory as OSS writes them: a manifest, and CSV files that are compressed by gzip.
 *
 * @param prefix - the prefix of their keys
 * @returns the objects by their keys
 */
export async function inventoryFiles(
  prefix: string,
  { sourceBucket, files, allVersions = false }: InventoryContent,
): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const columns = [
    'Bucket',
    'Key',
    ...(allVersions ? ['VersionId', 'IsLatest', 'IsDeleteMarker'] : []),
    'Size',
    'ETag',
  ]
  const objects = new Map<string, Uint8Array<ArrayBuffer>>()
  const listed: object[] = []
  for (const [position, entries] of files.entries()) {
    const rows = entries.map(({ key, sizeBytes = 1, isLatest = true, isDeleteMarker = false }, version) => [
      sourceBucket,
      encodeURIComponent(key),
      ...(allVersions ? [`v${version}`, String(isLatest), String(isDeleteMarker)] : []),
      isDeleteMarker ? '' : String(sizeBytes),
      'E',
    ])
    const bytes = await gzip(stringify(rows, { quoted: true }))
    const key = `${prefix}data/inventory-${position}.csv.gz`
    objects.set(key, bytes)
    listed.push({
      MD5checksum: createMd5().update(bytes).digest('hex').toUpperCase(),
      key,
      size: bytes.length,
    })
  }
  const manifest = {
    creationTimestamp: '1642994594',
    destinationBucket: 'inventories',
    fileFormat: 'CSV',
    fileSchema: columns.join(', '),
    files: listed,
    sourceBucket,
    version: '2019-09-01',
  }
  objects.set(`${prefix}${INVENTORY_MANIFEST}`, new TextEncoder().encode(JSON.stringify(manifest)))
  return objects
}

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
