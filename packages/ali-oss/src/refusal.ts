import { CseError } from '@oss-cse/crypto-core'

/** What ali-oss can do and an encrypted client cannot: why, and what to do instead. */
export const REFUSALS = {
  append: 'an object that grows has no fixed length to encrypt. Put a new object instead',
  putMeta: "the service protects an encrypted object's metadata. Get the object and put it with other `meta`",
  'copy with changed metadata':
    'it would take the envelope away that decrypts the object. Copy without `meta` and without headers such as Content-Type, or get the object and put it',
  uploadPartCopy:
    'the parts of an object are encrypted under its own key. Read the source by `getStream` and upload that',
  multipartUploadCopy:
    'the parts of an object are encrypted under its own key. `copy` copies an object with its key; a larger one is read by `getStream` and uploaded',
  'an inner method of ali-oss':
    'it would send parts in clear. Use multipartUpload, or initMultipartUpload and uploadPart',
  processObjectSave: 'the server holds only ciphertext. Get the object and process it here',
  process: 'the server holds only ciphertext. Get the object and process it here',
  postAsyncFetch: 'the server would store what it fetches in clear. Fetch it here and put it',
  'a presigned upload':
    "what is uploaded through it is stored as it comes, in clear. Let your server take the bytes and put them; if the uploader encrypts by itself, make the client with `presignedUploads: 'ciphertext'`",
  ClusterClient: 'its clients would store objects in clear. Make a CryptoOSS for each endpoint',
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
