import { invalidObjectName } from '../protocol/error-catalog.ts'
import { OssError } from '../protocol/oss-error.ts'

const MAX_KEY_BYTES = 1023

/**
 * Checks the key of an object.
 *
 * @throws OssError `InvalidObjectName`
 */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key, 'utf8')
  if (bytes < 1 || bytes > MAX_KEY_BYTES || key.startsWith('/') || key.startsWith('\\')) {
    throw invalidObjectName(key)
  }
}

/**
 * Checks the name of a bucket.
 *
 * @throws OssError `InvalidBucketName`
 */
export function checkBucketName(bucket: string): void {
  if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new OssError(400, 'InvalidBucketName', 'The specified bucket is not valid.', {
      details: { BucketName: bucket },
    })
  }
}
