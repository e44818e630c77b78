import type OSS from 'ali-oss'
import type { AliOssResponse } from './ali-oss-response.ts'
import type { PassedParams, PassedResult } from './passed-request.ts'

/** Options of every call that ali-oss sends unchanged. */
export interface PassedOptions {
  readonly timeout?: number | undefined
  readonly headers?: object | undefined
  readonly subres?: object | undefined
}

/** Options of a call on one object or, in a versioned bucket, on one version of it. */
export interface VersionedOptions extends PassedOptions {
  readonly versionId?: string | undefined
}

/** The result of a call that returns no data. */
export interface DoneResult {
  readonly res: AliOssResponse
}

/** `DoneResult` with the status. */
export interface StatusResult extends DoneResult {
  readonly status: number
}

/** The methods of ali-oss 6.23 that `@types/ali-oss` 6.23 leaves out. */
export interface AliOssGaps {
  getObjectMeta(name: string, options?: VersionedOptions): Promise<StatusResult>
  signatureUrl(name: string, options?: OSS.SignatureUrlOptions, strictObjectNameValidation?: boolean): string
  asyncSignatureUrl(
    name: string,
    options?: OSS.SignatureUrlOptions,
    strictObjectNameValidation?: boolean,
  ): Promise<string>
  signPostObjectPolicyV4(policy: object | string, date: Date): string
  processObjectSave(
    sourceObject: string,
    targetObject: string,
    process: string,
    targetBucket?: string,
  ): Promise<StatusResult>
  postAsyncFetch(
    name: string,
    url: string,
    options?: object,
  ): Promise<StatusResult & { readonly taskId: string }>
  getObjectTagging(
    name: string,
    options?: VersionedOptions,
  ): Promise<StatusResult & { readonly tag: Readonly<Record<string, string>> }>
  putObjectTagging(
    name: string,
    tag: Readonly<Record<string, string>>,
    options?: VersionedOptions,
  ): Promise<StatusResult>
  deleteObjectTagging(name: string, options?: VersionedOptions): Promise<StatusResult>
  getBucketVersions(query?: object, options?: PassedOptions): Promise<ListVersionsResult>
  listObjectVersions(query?: object, options?: PassedOptions): Promise<ListVersionsResult>
  getAsyncFetch(
    taskId: string,
    options?: PassedOptions,
  ): Promise<StatusResult & { readonly state: string; readonly taskInfo: object }>
  getBucketRequestPayment(
    bucketName: string,
    options?: PassedOptions,
  ): Promise<StatusResult & { readonly payer: string }>
  putBucketRequestPayment(bucketName: string, payer: string, options?: PassedOptions): Promise<StatusResult>
  getBucketEncryption(
    bucketName: string,
    options?: PassedOptions,
  ): Promise<StatusResult & { readonly encryption: object }>
  putBucketEncryption(bucketName: string, options?: object): Promise<StatusResult>
  deleteBucketEncryption(bucketName: string, options?: PassedOptions): Promise<StatusResult>
  getBucketTags(
    name: string,
    options?: PassedOptions,
  ): Promise<StatusResult & { readonly tag: Readonly<Record<string, string>> }>
  putBucketTags(
    name: string,
    tag: Readonly<Record<string, string>>,
    options?: PassedOptions,
  ): Promise<StatusResult>
  deleteBucketTags(name: string, options?: PassedOptions): Promise<StatusResult>
  getBucketVersioning(
    bucketName: string,
    options?: PassedOptions,
  ): Promise<StatusResult & { readonly versionStatus?: string }>
  putBucketVersioning(
    name: string,
    status: 'Enabled' | 'Suspended',
    options?: PassedOptions,
  ): Promise<StatusResult>
  getBucketInventory(
    bucketName: string,
    inventoryId: string,
    options?: PassedOptions,
  ): Promise<StatusResult & { readonly inventory: object }>
  putBucketInventory(bucketName: string, inventory: object, options?: PassedOptions): Promise<StatusResult>
  deleteBucketInventory(
    bucketName: string,
    inventoryId: string,
    options?: PassedOptions,
  ): Promise<StatusResult>
  listBucketInventory(
    bucketName: string,
    options?: PassedOptions & { readonly continuationToken?: string | undefined },
  ): Promise<StatusResult & { readonly inventoryList: readonly object[] }>
  initiateBucketWorm(
    name: string,
    days: number | string,
    options?: PassedOptions,
  ): Promise<StatusResult & { readonly wormId: string }>
  abortBucketWorm(name: string, options?: PassedOptions): Promise<StatusResult>
  completeBucketWorm(name: string, wormId: string, options?: PassedOptions): Promise<StatusResult>
  extendBucketWorm(
    name: string,
    wormId: string,
    days: number | string,
    options?: PassedOptions,
  ): Promise<StatusResult>
  getBucketWorm(name: string, options?: PassedOptions): Promise<StatusResult>
  getBucketStat(
    name?: string,
    options?: PassedOptions,
  ): Promise<{ readonly res: AliOssResponse; readonly stat: object }>
  setBucket(name: string): this
  getBucket(): string
  resetCancelFlag(): void
  setSLDEnabled(enable: boolean): this
  signature(stringToSign: string): string
  authorization(method: string, resource: string, subres?: object, headers?: object): string
  authorizationV4(
    method: string,
    requestParams: object,
    bucketName?: string,
    objectName?: string,
    additionalHeaders?: readonly string[],
  ): string
  request(params: PassedParams): Promise<PassedResult>
  requestError(result: object): Promise<Error>
  parseXML(text: string | Buffer): Promise<unknown>
  checkBrowserAndVersion(name: string, version: string): boolean
}

/** A listing of versions. Sizes and ETags are those of the ciphertext. */
export interface ListVersionsResult extends DoneResult {
  readonly objects: readonly (OSS.ObjectMeta & { readonly versionId: string; readonly isLatest: boolean })[]
  readonly deleteMarker: readonly {
    readonly name: string
    readonly lastModified: string
    readonly versionId: string
    readonly owner: OSS.OwnerType
  }[]
  readonly prefixes: readonly string[] | null
  readonly isTruncated: boolean
  readonly nextKeyMarker: string | null
  readonly nextVersionIdMarker: string | null
}
