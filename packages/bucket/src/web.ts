export { downloadFile } from './files/download-file.web.ts'
export { fileHandleTarget } from './files/file-handle-target.web.ts'
export type { WebDownloadTarget } from './files/file-target.web.ts'
export {
  IndexedDbCheckpointStore,
  type IndexedDbCheckpointStoreOptions,
} from './files/indexed-db-checkpoint-store.web.ts'
export { opfsTarget } from './files/opfs-target.web.ts'
export { uploadFile } from './files/upload-file.web.ts'
