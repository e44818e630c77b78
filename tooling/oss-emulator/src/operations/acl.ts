import { invalidArgument } from '../protocol/error-catalog.ts'

export const BUCKET_ACLS: readonly string[] = ['private', 'public-read', 'public-read-write']
export const OBJECT_ACLS: readonly string[] = ['default', 'private', 'public-read', 'public-read-write']

/**
 * Checks that an ACL is one of the allowed ones.
 *
 * @throws OssError `InvalidArgument`
 */
export function checkAcl(acl: string, allowed: readonly string[], header: string): void {
  if (!allowed.includes(acl)) {
    throw invalidArgument('no such bucket access control exists', undefined, {
      ArgumentName: header,
      ArgumentValue: acl,
    })
  }
}
