import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import type { CryptoBucketOptions } from '@oss-cse/bucket'
import type OSS from 'ali-oss'
import { checkedMaxDecompressedBytes, DEFAULT_MAX_DECOMPRESSED_BYTES } from './decompressed.ts'
import { invalid } from './request-options.ts'

/** How objects are encrypted. Pass either `provider` or `keyring`. */
export type EncryptionOptions = Omit<CryptoBucketOptions, 'transport'>

/** The same, with none forgotten. */
type AllEncryptionOptions = { [Name in keyof Required<EncryptionOptions>]: EncryptionOptions[Name] }

/** Options of `new OSS` that its types omit. */
export interface FurtherOssOptions {
  /** Puts the bucket into the path instead of the host. */
  readonly sldEnable?: boolean | undefined
  readonly agent?: HttpAgent | undefined
  /** For example a proxy agent, because `urllib` and `enableProxy` are refused. */
  readonly httpsAgent?: HttpsAgent | undefined
  /**
   * The maximum number of retries of a failed request. Default 3 (in ali-oss 0). Each request, and each part of an
   * upload, counts separately.
   */
  readonly retryMax?: number | undefined
  readonly isRequestPay?: boolean | undefined
  /** Only for calls that ali-oss sends unchanged. The headers of other calls are ASCII. */
  readonly headerEncoding?: 'utf-8' | 'latin1' | undefined
  readonly maxSockets?: number | undefined
  readonly cloudBoxId?: string | undefined
  /** Only for calls that ali-oss sends unchanged: decides whether a request is retried. */
  readonly requestErrorRetryHandle?: ((error: Error) => boolean) | undefined
}

/** Options of a `CryptoOSS`: those of `OSS`, and a master key. */
export interface CryptoOSSOptions extends OSS.Options, FurtherOssOptions, EncryptionOptions {
  /**
   * What to do when a presigned URL or a POST policy would allow an upload. Default `reject`, because the service
   * stores such an upload unchanged, in plaintext. With `ciphertext`, your uploader encrypts by itself and sends the
   * envelope headers.
   */
  readonly presignedUploads?: 'reject' | 'ciphertext' | undefined
  /**
   * The maximum length in bytes of content that `get` and `getByUrl` decompress into memory. It applies to objects
   * with a `Content-Encoding` of `gzip` or `deflate`. Default 1 GiB. `Infinity` means no limit, as in ali-oss. Then
   * anyone who writes an object decides how much memory a reader needs. Streams and files are not decompressed.
   */
  readonly maxDecompressedBytes?: number | undefined
}

/** Whether uploads without encryption may be signed. */
export type PresignedUploads = NonNullable<CryptoOSSOptions['presignedUploads']>

/**
 * Splits the options into those of ali-oss and those of the encryption.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for an unknown policy, or contradictory options
 */
export function splitOptions(options: CryptoOSSOptions): {
  readonly ossOptions: OSS.Options
  readonly encryption: AllEncryptionOptions
  readonly presignedUploads: PresignedUploads
  readonly maxDecompressedBytes: number
} {
  const {
    provider,
    keyring,
    onPlainObject,
    format,
    accept,
    context,
    retry,
    logger,
    fileWorkers,
    presignedUploads,
    maxDecompressedBytes,
    ...ossOptions
  } = options ?? {}
  const { retryMax } = ossOptions
  if ((keyring === undefined) === (provider === undefined)) {
    throw invalid('pass either `provider` or `keyring`, not both')
  }
  if (retryMax !== undefined && retryMax !== null && !(Number.isInteger(retryMax) && retryMax >= 0)) {
    throw invalid(`retryMax must be a number of retries, not ${JSON.stringify(retryMax)}`)
  }
  const policy = onPlainObject ?? 'reject'
  if (policy !== 'reject' && policy !== 'passthrough') {
    throw invalid(`onPlainObject must be 'reject' or 'passthrough', not ${JSON.stringify(policy)}`)
  }
  const presigned = presignedUploads ?? 'reject'
  if (presigned !== 'reject' && presigned !== 'ciphertext') {
    throw invalid(`presignedUploads must be 'reject' or 'ciphertext', not ${JSON.stringify(presigned)}`)
  }
  return {
    ossOptions,
    encryption: {
      provider,
      keyring,
      onPlainObject,
      format,
      accept,
      context,
      retry: retry ?? (typeof retryMax === 'number' ? { maxAttempts: retryMax + 1 } : undefined),
      logger,
      fileWorkers,
    },
    presignedUploads: presigned,
    maxDecompressedBytes: checkedMaxDecompressedBytes(maxDecompressedBytes, DEFAULT_MAX_DECOMPRESSED_BYTES),
  }
}
