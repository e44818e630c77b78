import { serviceTime } from '../protocol/service-time.ts'
import { ContentDigest } from './content-digest.ts'
import type { ObjectStore } from './object-store.ts'

/** An object as it is stored. The rules of the service do not apply to it. */
export interface StoredObject {
  /** Content-Type, the other stored standard headers and `x-oss-meta-*`. Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array
}

/** The newest version of an object, or `undefined`. Reads all of it into memory. */
export async function readStoredObject(
  store: ObjectStore,
  bucket: string,
  key: string,
): Promise<StoredObject | undefined> {
  const [object] = store.versions(bucket, key)
  if (object === undefined || object.deleteMarker) return undefined
  const content = store.open(object.extents, 0, object.sizeBytes)
  try {
    const bytes = new Uint8Array(object.sizeBytes)
    let position = 0
    for await (const chunk of content.chunks()) {
      bytes.set(chunk, position)
      position += chunk.length
    }
    return { headers: object.headers, bytes }
  } finally {
    content.release()
  }
}

/** Replaces the newest version of an object. Without `headers` an existing object keeps its own. */
export async function writeStoredObject(
  store: ObjectStore,
  bucket: string,
  key: string,
  object: { readonly bytes: Uint8Array; readonly headers?: Readonly<Record<string, string>> },
  now: Date,
): Promise<void> {
  if (store.bucket(bucket) === undefined) throw new Error(`The emulator has no bucket "${bucket}".`)
  const bytes = Uint8Array.from(object.bytes)
  const digest = new ContentDigest()
  digest.update(bytes)
  const writer = await store.createBlob()
  await writer.write(bytes)
  const blob = await writer.finish()
  const [old, ...others] = store.versions(bucket, key)
  const headers = lowerCase(object.headers) ?? old?.headers ?? { 'content-type': 'application/octet-stream' }
  const { sizeBytes, ...sums } = digest.finish()
  store.saveVersions(bucket, key, [
    {
      versionId: old?.versionId ?? 'null',
      type: 'Normal',
      ...sums,
      sizeBytes,
      lastModified: serviceTime(now),
      headers,
      storageClass: old?.storageClass ?? 'Standard',
      acl: old?.acl ?? 'default',
      tags: old?.tags ?? [],
      extents: [{ blob, start: 0, sizeBytes }],
    },
    ...others,
  ])
}

function lowerCase(
  headers: Readonly<Record<string, string>> | undefined,
): Record<string, string> | undefined {
  if (headers === undefined) return undefined
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
