export { FileReportStore, type FileReportStoreOptions } from './report/file-report-store.node.ts'
