import { CseError } from './errors.ts'

/**
 * Checks that a string is a valid bucket name.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkBucketName(bucket: string): void {
  if (typeof bucket !== 'string' || !/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `\`bucket\` must be the name of a bucket (3 to 63 lower-case letters, digits and hyphens), not ${JSON.stringify(bucket)}.`,
    )
  }
}
