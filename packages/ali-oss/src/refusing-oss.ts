import { OSS_HEADERS } from '@oss-cse/crypto-core'
import { replacesMetadata } from '@oss-cse/crypto-core/internal'
import OSS from 'ali-oss'
import type { AliOssGaps } from './ali-oss-gaps.ts'
import { copyOf, internalsOf } from './ali-oss-internals.ts'
import { stateOf } from './client-state.ts'
import { freshClient } from './passed-request.ts'
import { refuse } from './refusal.ts'
import { checkSubresources, headerFields } from './request-options.ts'

/** The class `OSS`, with the methods that its types omit. */
type AliOssClass = Pick<typeof OSS, 'STS'> & (new (options: OSS.Options, ctx?: unknown) => OSS & AliOssGaps)

const AliOss: AliOssClass = OSS as unknown as AliOssClass

/**
 * The client of ali-oss without operations that would bypass the encryption, separate an object from its key, or let
 * the server process ciphertext.
 */
export class RefusingOSS extends AliOss {
  /**
   * Copies an object on the server, with its envelope and metadata.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` for other metadata, and for a name whose `context` is another one than that
   *   of the source.
   */
  override async copy(
    name: string,
    sourceName: string,
    sourceBucket?: string | OSS.CopyObjectOptions,
    options?: OSS.CopyObjectOptions | null,
  ): Promise<OSS.CopyAndPutMetaResult> {
    const [bucket, how] =
      typeof sourceBucket === 'object' && sourceBucket !== null
        ? [undefined, sourceBucket]
        : [sourceBucket, options ?? {}]
    checkSubresources(how)
    const headers = headerFields(how.headers)
    const replacing = Object.entries(headers).some(([header, value]) =>
      replacesMetadata(header.toLowerCase(), value),
    )
    if (how.meta || replacing) refuse('copy with changed metadata')
    checkContexts(this, name, sourceName, bucket)
    return super.copy(name, sourceName, bucket, { ...copyOf(how), headers })
  }

  /**
   * Returns a URL for downloading an object. The URL returns ciphertext, which `getByUrl` decrypts.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` for the methods PUT and POST, unless `presignedUploads` is
   *   `ciphertext`, and for `process`.
   */
  override signatureUrl(
    name: string,
    given?: OSS.SignatureUrlOptions | null,
    strictObjectNameValidation = true,
  ): string {
    return super.signatureUrl(name, checkedUrlOptions(this, given), strictObjectNameValidation)
  }

  /**
   * Like `signatureUrl`, with fresh credentials if the client can get them.
   *
   * @throws CseError as `signatureUrl`.
   */
  override async asyncSignatureUrl(
    name: string,
    given?: OSS.SignatureUrlOptions | null,
    strictObjectNameValidation = true,
  ): Promise<string> {
    const options = checkedUrlOptions(this, given)
    const client = await freshClient<RefusingOSS>(this)
    return super.asyncSignatureUrl.call(client, name, options, strictObjectNameValidation)
  }

  /**
   * Like `signatureUrl`, with a V4 signature.
   *
   * @throws CseError as `signatureUrl`.
   */
  override async signatureUrlV4(
    method: OSS.HTTPMethods,
    expires: number,
    request: { headers?: object | undefined; queries?: object | undefined } | undefined,
    objectName: string,
    additionalHeaders?: string[],
  ): Promise<string> {
    checkPresigned(this, method, { ...request?.queries })
    const client = await freshClient<RefusingOSS>(this)
    return super.signatureUrlV4.call(client, method, expires, request, objectName, additionalHeaders)
  }

  /**
   * Signs the policy of an upload by an HTML form.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED`, unless `presignedUploads` is `ciphertext`.
   */
  override calculatePostSignature(policy: object | string): OSS.PostObjectParams {
    checkPresigned(this, 'POST')
    return super.calculatePostSignature(policy)
  }

  /**
   * Like `calculatePostSignature`, with a V4 signature.
   *
   * @throws CseError as `calculatePostSignature`.
   */
  override signPostObjectPolicyV4(policy: object | string, date: Date): string {
    checkPresigned(this, 'POST')
    return super.signPostObjectPolicyV4(policy, date)
  }

  /** @deprecated Refused: put a new object instead. */
  override async append(): Promise<never> {
    return refuse('append')
  }

  /** @deprecated Refused: get the object and put it with other `meta`. */
  override async putMeta(): Promise<never> {
    return refuse('putMeta')
  }

  /** @deprecated Refused: read the source and upload it. */
  override async uploadPartCopy(): Promise<never> {
    return refuse('uploadPartCopy')
  }

  /** @deprecated Refused: `copy` copies an object with its key. */
  override async multipartUploadCopy(): Promise<never> {
    return refuse('multipartUploadCopy')
  }

  /** @deprecated Refused: get the object and process it locally. */
  override async processObjectSave(): Promise<never> {
    return refuse('processObjectSave')
  }

  /** @deprecated Refused: fetch the resource and put it. */
  override async postAsyncFetch(): Promise<never> {
    return refuse('postAsyncFetch')
  }

  /** Some apps call it to upload a stream in parts. */
  protected async _uploadPart(): Promise<never> {
    return refuse('an inner method of ali-oss')
  }

  protected async _resumeMultipart(): Promise<never> {
    return refuse('an inner method of ali-oss')
  }

  protected async _resumeMultipartCopy(): Promise<never> {
    return refuse('an inner method of ali-oss')
  }

  /** @deprecated Refused: create a CryptoOSS for each endpoint. */
  static get ClusterClient(): never {
    return refuse('ClusterClient')
  }

  /** @deprecated Refused: get the image and process it locally. */
  static get ImageClient(): never {
    return refuse('ImageClient')
  }
}

/** Checks the options of a URL. Returns a copy, because ali-oss writes into its options. */
function checkedUrlOptions(
  client: OSS,
  given: OSS.SignatureUrlOptions | null | undefined,
): OSS.SignatureUrlOptions {
  const options = copyOf(given)
  checkPresigned(client, options.method, { ...options.subResource, process: options.process })
  return options
}

function checkPresigned(client: OSS, given?: string, queries: object = {}): void {
  const method = given || 'GET'
  const parameters = queries as Readonly<Record<string, unknown>>
  if (parameters['process'] || parameters[OSS_HEADERS.process] !== undefined) refuse('process')
  const uploads = !/^(GET|HEAD|DELETE)$/i.test(method)
  if (uploads && stateOf(client).presignedUploads !== 'ciphertext') refuse('a presigned upload')
}

/** Refuses a copy that would be read in another context than its source. */
function checkContexts(
  client: OSS,
  name: string,
  sourceName: string,
  sourceBucket: string | undefined,
): void {
  const { context } = stateOf(client).encryption
  if (context === undefined) return
  const internals = internalsOf(client)
  const [, , ...source] = internals._getSourceName(sourceName, sourceBucket).split('/')
  const contexts = [decodeURIComponent(source.join('/')), internals._objectName(name)].map(context)
  if (contexts[0] !== contexts[1]) refuse('copy to a name with another context')
}
