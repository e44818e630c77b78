import { CseError } from '@oss-cse/crypto-core'

/** Operations of ali-oss that an encrypted client refuses: why, and what to do instead. */
export const REFUSALS = {
  append: 'an object that grows has no fixed length to encrypt. Put a new object instead',
  putMeta:
    'the service does not let anybody change the metadata of an encrypted object. Get the object and put it with other `meta`',
  'copy with changed metadata':
    'it would remove the envelope, which decrypts the object. Copy without `meta` and without headers such as Content-Type, or get the object and put it',
  'copy to a name with another context':
    'a sealed object can be read only in its own context, so nobody could read the copy. Get the object and put it under its new name',
  uploadPartCopy:
    'each object has a key of its own, and its parts are encrypted under it. Read the source with `getStream` and upload that',
  multipartUploadCopy:
    'each object has a key of its own, and its parts are encrypted under it. Use `copy`, which copies an object with its key. Read a larger object with `getStream` and upload it',
  'an inner method of ali-oss':
    'it would send parts in plaintext. Use multipartUpload, or initMultipartUpload and uploadPart',
  processObjectSave: 'the server holds only ciphertext. Get the object and process it here',
  process: 'the server holds only ciphertext. Get the object and process it here',
  postAsyncFetch: 'the server would store what it fetches in plaintext. Fetch it here and put it',
  'a presigned upload':
    "the service would store uploads as they come, in plaintext. Upload to your server and put the bytes there. If the uploader encrypts by itself, create the client with `presignedUploads: 'ciphertext'`",
  ClusterClient: 'its clients would store objects in plaintext. Create a CryptoOSS for each endpoint',
  ImageClient: 'the server holds only ciphertext. Get the object and process it here',
} as const

/**
 * Refuses an operation before any request.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`, always.
 */
export function refuse(operation: keyof typeof REFUSALS): never {
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    `${operation} is not possible on encrypted objects: ${REFUSALS[operation]}.`,
  )
}

/** The methods that send parts which the caller has cut. */
export type OwnPartsMethod = 'initMultipartUpload' | 'uploadPart' | 'completeMultipartUpload'

/** Why a client that seals refuses parts which the caller has cut, and what to do instead. */
export const OWN_PARTS_REFUSAL =
  'a part of a sealed object holds less plaintext than its `partSize`, so parts that you cut by `partSize` do not fit. Use `multipartUpload`, which cuts them itself, or `initiateMultipartUpload` of `CryptoBucket` in @oss-cse/bucket, whose `plan.part(number)` says which plaintext belongs to each part'

/**
 * Refuses parts which the caller has cut, before any request.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`, always.
 */
export function refuseOwnParts(method: OwnPartsMethod): never {
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    `${method} is not possible with format 'sealed': ${OWN_PARTS_REFUSAL}.`,
  )
}
