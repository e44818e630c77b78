import { openStoredRead } from '@oss-cse/bucket/internal'
import { CseError, type ObjectSummary, type ObjectTransport } from '@oss-cse/crypto-core'
import { parse } from 'csv-parse/stream'
import { createMd5 } from '../md5.node.ts'
import { gunzip } from './gunzip.node.ts'
import type { InventoryFile, InventoryManifest, InventoryRequests } from './inventory-manifest.ts'

/** An object that an inventory lists. */
export type InventoryObject = Pick<ObjectSummary, 'key' | 'sizeBytes'>

/** A longer row is damaged. A key has at most 1,023 bytes, which are three times as long when they are encoded. */
const MAX_ROW_CHARACTERS = 64 * 1024

/**
 * Reads the objects that exist according to one file of an inventory: without old versions and delete markers. In one pass,
 * with constant memory. All of them are to be trusted only when the last one was read: then the MD5 of the file was checked.
 *
 * @returns the objects, in the order of the file. `sizeBytes` is 0 in an inventory without the column `Size`
 * @throws CseError `ERR_CSE_INTEGRITY` for a file that is damaged; what the transport throws
 */
export async function* inventoryObjects(
  transport: Pick<ObjectTransport, 'get'>,
  file: InventoryFile,
  manifest: InventoryManifest,
  requests: InventoryRequests,
): AsyncGenerator<InventoryObject, void, undefined> {
  const stored = new StoredFile(transport, file, requests)
  const objectOf = rowReader(file, manifest)
  const rows = ReadableStream.from(gunzip(stored.bytes())).pipeThrough<readonly string[]>(
    parse({ max_record_size: MAX_ROW_CHARACTERS }),
  )
  try {
    for await (const row of rows) {
      const object = objectOf(row)
      if (object !== undefined) yield object
    }
  } catch (error) {
    requests.signal.throwIfAborted()
    if (stored.failure !== undefined) throw stored.failure.error
    if (CseError.isInstance(error)) throw error
    throw damaged(file, 'it is not CSV that is compressed by gzip')
  }
}

/** The bytes of a file, which tell why they ended: the streams behind them may replace an error. */
class StoredFile {
  failure: { readonly error: unknown } | undefined
  readonly #transport: Pick<ObjectTransport, 'get'>
  readonly #file: InventoryFile
  readonly #requests: InventoryRequests

  constructor(transport: Pick<ObjectTransport, 'get'>, file: InventoryFile, requests: InventoryRequests) {
    this.#transport = transport
    this.#file = file
    this.#requests = requests
  }

  async *bytes(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    const { key, md5 } = this.#file
    try {
      const hash = createMd5()
      for await (const chunk of await openStoredRead(this.#transport, { key, ...this.#requests })) {
        hash.update(chunk)
        // A copy, because the transport may use the memory of the chunk again.
        yield chunk.slice()
      }
      if (hash.digest('hex') !== md5) throw damaged(this.#file, 'its MD5 is not that of the manifest')
    } catch (error) {
      this.failure = { error }
      throw error
    }
  }
}

/** Returns a function that reads a row: `undefined` for an old version or a delete marker. */
function rowReader(
  file: InventoryFile,
  { columns, sourceBucket }: InventoryManifest,
): (row: readonly string[]) => InventoryObject | undefined {
  const cell = (name: string): ((row: readonly string[]) => string | undefined) => {
    const position = columns.indexOf(name)
    return (row) => row[position]
  }
  const [bucketOf, keyOf, sizeOf] = [cell('Bucket'), cell('Key'), cell('Size')]
  const [latestOf, deletedOf] = [cell('IsLatest'), cell('IsDeleteMarker')]
  return (row) => {
    if (row.length !== columns.length)
      throw damaged(file, 'a row has not as many fields as there are columns')
    if (bucketOf(row) !== sourceBucket) throw damaged(file, 'a row is about another bucket')
    const isCurrent = flag(file, latestOf(row)) !== false && flag(file, deletedOf(row)) !== true
    if (!isCurrent) return undefined
    return { key: decodedKey(file, keyOf(row)), sizeBytes: size(file, sizeOf(row)) }
  }
}

function decodedKey(file: InventoryFile, text = ''): string {
  try {
    const key = decodeURIComponent(text)
    if (key !== '') return key
  } catch {
    // Reported below.
  }
  throw damaged(file, 'a row has no valid key')
}

function size(file: InventoryFile, text = '0'): number {
  const sizeBytes = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(sizeBytes)) return sizeBytes
  throw damaged(file, 'a row has no valid size')
}

/** Returns `undefined` without the column, as in an inventory of current versions. */
function flag(file: InventoryFile, text: string | undefined): boolean | undefined {
  switch (text?.toLowerCase()) {
    case undefined:
      return undefined
    case 'true':
      return true
    case 'false':
      return false
    default:
      throw damaged(file, 'a row says neither true nor false about its version')
  }
}

function damaged({ key }: InventoryFile, why: string): CseError {
  return new CseError(
    'ERR_CSE_INTEGRITY',
    `The file ${key} of the inventory is damaged: ${why}. Use another inventory.`,
    {
      objectKey: key,
    },
  )
}
