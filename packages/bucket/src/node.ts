export { downloadFile } from './files/download-file.node.ts'
export { FileCheckpointStore, type FileCheckpointStoreOptions } from './files/file-checkpoint-store.node.ts'
export { replaceFile } from './files/replace-file.node.ts'
export { putFile, uploadFile } from './files/upload-file.node.ts'
