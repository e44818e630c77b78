import { CseError, OSS_HEADERS } from '@oss-cse/crypto-core'
import { type BucketAddress, V1_HEADERS, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import type { RequestToAuthorize } from './authorizer.ts'

/**
 * What a page may do.
 *
 * - `read`: GetObject and HeadObject, and the target of a symbolic link
 * - `put`: PutObject
 * - `multipart`: all requests of uploads in parts. They can replace an object, as `put` can
 * - `list`: the objects below the prefix
 * - `delete`: DeleteObject
 */
export type SignableOperation = 'read' | 'put' | 'multipart' | 'list' | 'delete'

/** What a server signs. Everything else is refused. */
export interface SigningPolicy extends BucketAddress {
  readonly operations: readonly SignableOperation[]
  /** The beginning of each key, such as `users/42/`. It ends with a slash. '' means the whole bucket. */
  readonly keyPrefix: string
  /**
   * Headers that a request may have, in lower case, in addition to `content-type`, `content-md5`, the envelope,
   * `x-oss-range-behavior` and `x-oss-forbid-overwrite`. Example: `x-oss-meta-author`. They are allowed with any value. The
   * signature covers only `x-oss-*`, `content-type` and `content-md5`; a page can send any other header without it.
   */
  readonly headers?: readonly string[] | undefined
  /** Parameters that a `read` may have in addition. Example: `versionId`, for older versions. */
  readonly query?: readonly string[] | undefined
}

/** A kind of request: the service does exactly this for these parameters. */
interface Shape {
  readonly operation: SignableOperation
  readonly method: RequestToAuthorize['method']
  /** False for requests about the bucket, which have a prefix in place of a key. */
  readonly hasKey: boolean
  /** The parameters that it must have. */
  readonly required: readonly string[]
  /** Those that it may have. */
  readonly optional?: readonly string[]
}

const ENCODING = 'response-content-encoding'
const LISTED = ['prefix', 'delimiter', 'encoding-type', 'max-keys', 'start-after', 'continuation-token']
const LISTED_UPLOADS = ['prefix', 'encoding-type', 'max-uploads', 'key-marker', 'upload-id-marker']

const SHAPES: readonly Shape[] = [
  { operation: 'read', method: 'GET', hasKey: true, required: [], optional: [ENCODING] },
  { operation: 'read', method: 'HEAD', hasKey: true, required: [] },
  { operation: 'read', method: 'GET', hasKey: true, required: ['symlink'] },
  { operation: 'put', method: 'PUT', hasKey: true, required: [] },
  { operation: 'multipart', method: 'POST', hasKey: true, required: ['uploads'] },
  { operation: 'multipart', method: 'PUT', hasKey: true, required: ['partNumber', 'uploadId'] },
  { operation: 'multipart', method: 'POST', hasKey: true, required: ['uploadId'] },
  { operation: 'multipart', method: 'DELETE', hasKey: true, required: ['uploadId'] },
  {
    operation: 'multipart',
    method: 'GET',
    hasKey: true,
    required: ['uploadId'],
    optional: ['max-parts', 'part-number-marker'],
  },
  {
    operation: 'multipart',
    method: 'GET',
    hasKey: false,
    required: ['uploads'],
    optional: LISTED_UPLOADS,
  },
  { operation: 'list', method: 'GET', hasKey: false, required: ['list-type'], optional: LISTED },
  { operation: 'delete', method: 'DELETE', hasKey: true, required: [] },
]
const OPERATIONS: ReadonlySet<string> = new Set(SHAPES.map(({ operation }) => operation))

const ALLOWED_HEADERS: readonly string[] = [
  'content-type',
  'content-md5',
  OSS_HEADERS.rangeBehavior,
  OSS_HEADERS.forbidOverwrite,
  ...Object.values(V2_HEADERS),
  ...Object.values(V1_HEADERS),
]

/**
 * Checks a policy, which is a mistake of the server and not of a page.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkPolicy({ operations, keyPrefix, headers = [], query = [] }: SigningPolicy): void {
  if (!Array.isArray(operations) || !operations.every((operation) => OPERATIONS.has(operation))) {
    throw invalid(`\`operations\` must be a list of ${[...OPERATIONS].join(', ')}.`)
  }
  // Without the slash, users/4 would include users/42.
  if (typeof keyPrefix !== 'string' || !/^$|^[^/\\].*\/$/s.test(keyPrefix)) {
    throw invalid("`keyPrefix` must end with a slash, and not start with one. '' means the whole bucket.")
  }
  for (const name of [...headers, ...query]) {
    if (typeof name !== 'string' || name === '' || name.includes('*')) {
      throw invalid('`headers` and `query` must be names. There are no wildcards.')
    }
  }
  if (headers.some((name) => name.toLowerCase() === OSS_HEADERS.copySource)) {
    throw invalid(
      `\`headers\` must not have ${OSS_HEADERS.copySource}: it names an object outside of the prefix.`,
    )
  }
}

/**
 * Tells why a policy does not allow a request.
 *
 * @param request - from a page, its types checked
 * @returns the end of a sentence, or `undefined` if it is allowed
 */
export function policyProblem(request: RequestToAuthorize, policy: SigningPolicy): string | undefined {
  const { method, key, query, headers } = request
  const { operations, keyPrefix } = policy
  const names = Object.keys(query)
  const more = policy.query ?? []
  const shape = SHAPES.find(
    ({ method: shapeMethod, hasKey, required, optional = [] }) =>
      shapeMethod === method &&
      hasKey === (key !== undefined) &&
      required.every((name) => names.includes(name)) &&
      names.every(
        (name) =>
          required.includes(name) ||
          optional.includes(name) ||
          (isRead(method, required) && more.includes(name)),
      ),
  )
  if (shape === undefined) return 'it is no operation that can be allowed, or it has a parameter that is not'
  if (!operations.includes(shape.operation)) return `the operation ${shape.operation} is not allowed`
  const place = key ?? query['prefix'] ?? ''
  if (!place.startsWith(keyPrefix)) return 'its key or prefix is outside of the allowed prefix'
  if (shape.operation === 'list' && query['list-type'] !== '2') return 'its list-type is not 2'
  const allowed = new Set([...ALLOWED_HEADERS, ...(policy.headers ?? [])].map((name) => name.toLowerCase()))
  const header = Object.keys(headers).find((name) => !allowed.has(name))
  return header === undefined ? undefined : `its header ${JSON.stringify(header)} is not allowed`
}

/** Whether more parameters can be allowed: only for a plain read, where they do not select another operation. */
function isRead(method: string, required: readonly string[]): boolean {
  return (method === 'GET' || method === 'HEAD') && required.length === 0
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid signing policy: ${message}`)
}
