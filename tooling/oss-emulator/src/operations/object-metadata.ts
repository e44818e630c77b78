import { invalidArgument } from '../protocol/error-catalog.ts'
import type { OssRequest } from '../protocol/oss-request.ts'
import type { Tag } from '../storage/records.ts'
import { checkAcl, OBJECT_ACLS } from './acl.ts'
import { parseTagHeader } from './tags.ts'

/** The standard headers that are stored, and their spelling in responses. */
const STANDARD_HEADERS: ReadonlyMap<string, string> = new Map([
  ['cache-control', 'Cache-Control'],
  ['content-disposition', 'Content-Disposition'],
  ['content-encoding', 'Content-Encoding'],
  ['content-language', 'Content-Language'],
  ['content-type', 'Content-Type'],
  ['expires', 'Expires'],
])
const USER_PREFIX = 'x-oss-meta-'
const MAX_USER_BYTES = 8 * 1024
const STORAGE_CLASSES: readonly string[] = ['Standard', 'IA', 'Archive', 'ColdArchive', 'DeepColdArchive']

/** What a request says about the object it creates, apart from its bytes. */
export interface ObjectMetadata {
  readonly headers: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly acl: string
  readonly tags: readonly Tag[]
}

/**
 * Reads and checks the metadata of a request that creates an object.
 *
 * @throws OssError `InvalidArgument`
 */
export function metadataOf(request: OssRequest): ObjectMetadata {
  const headers = new Map([['content-type', 'application/octet-stream']])
  let userBytes = 0
  for (const [name, value] of request.headers) {
    if (STANDARD_HEADERS.has(name) && value !== '') headers.set(name, value)
    if (!name.startsWith(USER_PREFIX)) continue
    checkUserHeader(name, value)
    userBytes += Buffer.byteLength(name) + Buffer.byteLength(value)
    headers.set(name, value)
  }
  if (userBytes > MAX_USER_BYTES) {
    throw invalidArgument('The total size of user metadata must not exceed 8 KB.', '0011-00000002')
  }
  const acl = request.header('x-oss-object-acl') ?? 'default'
  checkAcl(acl, OBJECT_ACLS, 'x-oss-object-acl')
  const storageClass = request.header('x-oss-storage-class') ?? 'Standard'
  if (!STORAGE_CLASSES.includes(storageClass)) {
    throw invalidArgument('The storage class you specified is invalid.', undefined, {
      ArgumentName: 'x-oss-storage-class',
      ArgumentValue: storageClass,
    })
  }
  return {
    headers: Object.fromEntries(headers),
    storageClass,
    acl,
    tags: parseTagHeader(request.header('x-oss-tagging')),
  }
}

/** The metadata of an object as response headers. */
export function storedHeaders(object: Pick<ObjectMetadata, 'headers'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object.headers).map(([name, value]) => [STANDARD_HEADERS.get(name) ?? name, value]),
  )
}

function checkUserHeader(name: string, value: string): void {
  if (!/^[a-z0-9-]+$/.test(name.slice(USER_PREFIX.length))) {
    throw invalidArgument(
      'The name of user metadata may hold letters, digits and hyphens only.',
      '0011-00000004',
      {
        ArgumentName: name,
      },
    )
  }
  for (const character of value) {
    const code = character.codePointAt(0) as number
    if (code < 0x20 || code === 0x7f) {
      throw invalidArgument('The value of user metadata holds an invalid character.', '0011-00000005', {
        ArgumentName: name,
      })
    }
  }
}
