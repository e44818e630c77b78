import type { CallOptions } from '@oss-cse/crypto-core'

/**
 * Pairs that KMS binds to a ciphertext. Only a caller who passes the same pairs can decrypt it. It is not secret, and
 * KMS logs it.
 *
 * @example
 * ```ts
 * const context: EncryptionContext = { department: 'research' }
 * ```
 */
export type EncryptionContext = Readonly<Record<string, string>>

/** A request to KMS under a key. */
export interface KmsKeyRequest extends CallOptions {
  /** A key id, an alias (`alias/…`), or the ARN of either. */
  readonly keyId: string
  /** Absent if there is no context to bind. */
  readonly encryptionContext?: EncryptionContext | undefined
}

/** The request of GenerateDataKey, always for a key of 32 bytes (AES_256). */
export type KmsGenerateDataKeyRequest = KmsKeyRequest

/** The response of GenerateDataKey. */
export interface KmsGenerateDataKeyResponse {
  /** The new key, base64. */
  readonly plaintext: string
  /** The new key, encrypted: printable ASCII, as `decrypt` accepts it. */
  readonly ciphertextBlob: string
  /** The id of the key that encrypted it, if KMS returns it. */
  readonly keyId?: string | undefined
}

/** The request of Encrypt. */
export interface KmsEncryptRequest extends KmsKeyRequest {
  /** Any text. Decrypt returns it unchanged. */
  readonly plaintext: string
}

/** The response of Encrypt. */
export interface KmsEncryptResponse {
  readonly ciphertextBlob: string
  readonly keyId?: string | undefined
}

/** The request of Decrypt. It names no key, because KMS finds it by the blob. */
export interface KmsDecryptRequest extends CallOptions {
  readonly ciphertextBlob: string
  readonly encryptionContext?: EncryptionContext | undefined
}

/** The response of Decrypt. */
export interface KmsDecryptResponse {
  readonly plaintext: string
  /** The id of the key that the blob names, if KMS returns it. */
  readonly keyId?: string | undefined
}

/**
 * A key management service with the operations of Alibaba Cloud KMS. A `KmsProvider` calls it. `AlicloudKms`
 * implements it with `@alicloud/kms20160120`. You can also write your own object with these three methods.
 *
 * Each call is one request, without retries. The provider retries when a method rejects with a TransportError that is
 * `retryable` (throttling, 5xx, a reset connection). `decrypt` rejects with `ERR_CSE_UNWRAP_FAILED` when KMS says
 * that the blob, or the context with it, is not valid, and only then. Any error that is not a CseError counts as a
 * failure of the client. It is not shown, because it may contain the request.
 */
export interface KmsClient {
  /** The region of KMS, such as `cn-hangzhou`. An ARN of another region is refused. */
  readonly region?: string | undefined
  generateDataKey(request: KmsGenerateDataKeyRequest): Promise<KmsGenerateDataKeyResponse>
  encrypt(request: KmsEncryptRequest): Promise<KmsEncryptResponse>
  decrypt(request: KmsDecryptRequest): Promise<KmsDecryptResponse>
}
