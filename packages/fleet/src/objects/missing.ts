import { CseError, TransportError } from '@oss-cse/crypto-core'

/** Tells whether an error says that a bucket has no such object or version. A bucket that does not exist is another failure. */
export function isMissing(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_NOT_FOUND' && !isBucketMissing(error)
}

/** Tells whether an error says that the bucket does not exist: then nothing is known about any object. */
export function isBucketMissing(error: unknown): boolean {
  return TransportError.isInstance(error) && error.serviceCode === 'NoSuchBucket'
}
