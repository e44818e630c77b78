export { type DownloadResult, downloadFile } from './download-file.ts'
export { uploadFile } from './upload-file.ts'
