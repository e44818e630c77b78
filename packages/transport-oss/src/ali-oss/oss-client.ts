/**
 * The methods of an `ali-oss` client that the transport uses. Every client made by `new OSS(…)` of ali-oss 6.23 has
 * this type, with or without `@types/ali-oss`.
 */
export interface OssClient {
  abortMultipartUpload(name: string, uploadId: string, options?: object): Promise<unknown>
  completeMultipartUpload(
    name: string,
    uploadId: string,
    parts: { number: number; etag: string }[],
    options?: object,
  ): Promise<unknown>
  copy(name: string, sourceName: string, sourceBucket?: string, options?: object): Promise<unknown>
  delete(name: string, options?: object): Promise<unknown>
  deleteMulti(names: string[], options?: object): Promise<unknown>
  getStream(name: string, options?: object): Promise<unknown>
  getSymlink(name: string, options?: object): Promise<unknown>
  head(name: string, options?: object): Promise<unknown>
  initMultipartUpload(name: string, options?: object): Promise<unknown>
  listParts(name: string, uploadId: string, query?: object, options?: object): Promise<unknown>
  listUploads(query: object, options?: object): Promise<unknown>
  listV2(query: object | null, options?: object): Promise<unknown>
  put(name: string, file: unknown, options?: object): Promise<unknown>
  putBucket(name: string, options?: object): Promise<unknown>
  putStream(name: string, stream: unknown, options?: object): Promise<unknown>
  uploadPart(
    name: string,
    uploadId: string,
    partNo: number,
    file: unknown,
    start: number,
    end: number,
    options?: object,
  ): Promise<unknown>
}
