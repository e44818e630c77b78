export { type DecryptedUrlOptions, decryptedUrl } from './decrypted-url.ts'
export type { ReadableBucket } from './open-objects.ts'
export { registerWorker } from './register-worker.ts'
export { type DecryptedObjects, type ServeDecryptedOptions, serveDecrypted } from './serve-decrypted.ts'
