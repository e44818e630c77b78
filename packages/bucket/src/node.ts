export { type DownloadResult, downloadFile } from './download-file.node.ts'
export { replaceFile } from './replace-file.node.ts'
export { uploadFile } from './upload-file.node.ts'
