import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import type { CryptoBucketOptions } from '@oss-cse/bucket'
import type OSS from 'ali-oss'
import { checkedMaxDecompressedBytes, DEFAULT_MAX_DECOMPRESSED_BYTES } from './decompressed.ts'
import { invalid } from './request-options.ts'

/** How objects are encrypted. Give either `provider` or `keyring`. */
export type EncryptionOptions = Omit<CryptoBucketOptions, 'transport'>

/** What `new OSS` takes and its types leave out. */
export interface FurtherOssOptions {
  /** Bucket in the path, and not in the host. */
  readonly sldEnable?: boolean | undefined
  readonly agent?: HttpAgent | undefined
  /** A proxy agent, for example: `urllib` and `enableProxy` are refused. */
  readonly httpsAgent?: HttpsAgent | undefined
  /**
   * How often a failed request is sent again at most. Default 3, in ali-oss 0. Each request, and each part of an upload,
   * has a count of its own.
   */
  readonly retryMax?: number | undefined
  readonly isRequestPay?: boolean | undefined
  /** Of the calls that are passed through: the headers of others are ASCII. */
  readonly headerEncoding?: 'utf-8' | 'latin1' | undefined
  readonly maxSockets?: number | undefined
  readonly cloudBoxId?: string | undefined
  /** Judges what is sent again of the calls that are passed through. */
  readonly requestErrorRetryHandle?: ((error: Error) => boolean) | undefined
}

/** How a `CryptoOSS` is made: as an `OSS`, and with a master key. */
export interface CryptoOSSOptions extends OSS.Options, FurtherOssOptions, EncryptionOptions {
  /**
   * What to do when a presigned URL or a POST policy is to let somebody upload. Default `reject`: what is uploaded so
   * is stored as it comes, in clear. `ciphertext`: your uploader encrypts by itself, and sends the envelope's headers.
   */
  readonly presignedUploads?: 'reject' | 'ciphertext' | undefined
  /**
   * How long the content of an object that is stored with a `Content-Encoding` of `gzip` or `deflate` may become, in bytes, when
   * `get` and `getByUrl` decompress it into memory. Default 1 GiB. `Infinity` is no limit, as in ali-oss: then whoever writes
   * an object decides how much memory a reader needs. Streams and files are not decompressed.
   */
  readonly maxDecompressedBytes?: number | undefined
}

/** Whether somebody may upload past the encryption. */
export type PresignedUploads = NonNullable<CryptoOSSOptions['presignedUploads']>

/**
 * Parts what ali-oss is told from what it need not know.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for an opt-in that there is not
 */
export function splitOptions(options: CryptoOSSOptions): {
  readonly ossOptions: OSS.Options
  readonly encryption: EncryptionOptions
  readonly presignedUploads: PresignedUploads
  readonly maxDecompressedBytes: number
} {
  const {
    provider,
    keyring,
    onPlainObject,
    retry,
    logger,
    presignedUploads,
    maxDecompressedBytes,
    ...ossOptions
  } = options ?? {}
  const { retryMax } = ossOptions
  if ((keyring === undefined) === (provider === undefined)) {
    throw invalid('give either `provider` or `keyring`, and not both')
  }
  if (retryMax !== undefined && retryMax !== null && !(Number.isInteger(retryMax) && retryMax >= 0)) {
    throw invalid(`retryMax is how often a failed request is sent again, not ${JSON.stringify(retryMax)}`)
  }
  const policy = onPlainObject ?? 'reject'
  if (policy !== 'reject' && policy !== 'passthrough') {
    throw invalid(`onPlainObject is 'reject' or 'passthrough', not ${JSON.stringify(policy)}`)
  }
  const presigned = presignedUploads ?? 'reject'
  if (presigned !== 'reject' && presigned !== 'ciphertext') {
    throw invalid(`presignedUploads is 'reject' or 'ciphertext', not ${JSON.stringify(presigned)}`)
  }
  return {
    ossOptions,
    encryption: {
      provider,
      keyring,
      onPlainObject,
      retry: retry ?? (typeof retryMax === 'number' ? { maxAttempts: retryMax + 1 } : undefined),
      logger,
    },
    presignedUploads: presigned,
    maxDecompressedBytes: checkedMaxDecompressedBytes(maxDecompressedBytes, DEFAULT_MAX_DECOMPRESSED_BYTES),
  }
}
