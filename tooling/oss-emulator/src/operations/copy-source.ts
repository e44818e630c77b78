import { invalidArgument } from '../protocol/error-catalog.ts'
import type { OssRequest } from '../protocol/oss-request.ts'

/** The object that `x-oss-copy-source` names. */
export interface CopySource {
  readonly bucket: string
  readonly key: string
  readonly versionId: string | undefined
}

/**
 * Reads `x-oss-copy-source`.
 *
 * @param ecs - the error numbers for a malformed and an empty value, if the operation has any
 * @throws OssError `InvalidArgument`
 */
export function copySourceOf(
  request: OssRequest,
  ecs?: { readonly malformed: string; readonly empty: string },
): CopySource {
  const header = request.header('x-oss-copy-source') ?? ''
  const [path = '', query] = header.split('?versionId=')
  const match = /^\/([^/]+)\/(.+)$/s.exec(path)
  const key = match === null ? undefined : decoded(match[2] as string)
  if (match === null || key === undefined) {
    throw invalidArgument(
      'Copy Source must mention the source bucket and key: /sourcebucket/sourcekey',
      header === '' ? ecs?.empty : ecs?.malformed,
      { ArgumentName: 'x-oss-copy-source', ArgumentValue: header },
    )
  }
  return { bucket: match[1] as string, key, versionId: query }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
