export { createTestProvider } from '@oss-cse/crypto-core/testing'
export { startWorker } from '../src/cipher/start-worker.web.ts'
export { CryptoBucket } from '../src/crypto-bucket.ts'
export {
  downloadFile,
  fileHandleTarget,
  IndexedDbCheckpointStore,
  opfsTarget,
  uploadFile,
} from '../src/web.ts'
