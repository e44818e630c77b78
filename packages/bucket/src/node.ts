export { downloadFile } from './download-file.node.ts'
export { FileCheckpointStore, type FileCheckpointStoreOptions } from './file-checkpoint-store.node.ts'
export { replaceFile } from './replace-file.node.ts'
export { putFile, uploadFile } from './upload-file.node.ts'
