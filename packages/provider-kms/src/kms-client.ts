import type { CallOptions } from '@oss-cse/crypto-core'

/**
 * The pairs that KMS binds to a ciphertext. Only a call with the same pairs can decrypt it. They are not secret, and KMS
 * logs them.
 *
 * @example
 * ```ts
 * const context: EncryptionContext = { department: 'research' }
 * ```
 */
export type EncryptionContext = Readonly<Record<string, string>>

/** A KMS request that names a key. */
export interface KmsKeyRequest extends CallOptions {
  /** A key id, an alias (`alias/…`), or the ARN of either. */
  readonly keyId: string
  /** The pairs to bind. Absent if there are none. */
  readonly encryptionContext?: EncryptionContext | undefined
}

/** A GenerateDataKey request. It is always for a key of 32 bytes (AES_256). */
export type KmsGenerateDataKeyRequest = KmsKeyRequest

/** A GenerateDataKey response. */
export interface KmsGenerateDataKeyResponse {
  /** The new key in base64. */
  readonly plaintext: string
  /** The encrypted new key: printable ASCII, which `decrypt` accepts. */
  readonly ciphertextBlob: string
  /** The id of the key that encrypted it, if KMS returns it. */
  readonly keyId?: string | undefined
}

/** An Encrypt request. */
export interface KmsEncryptRequest extends KmsKeyRequest {
  /** Any text. Decrypt returns it unchanged. */
  readonly plaintext: string
}

/** An Encrypt response. */
export interface KmsEncryptResponse {
  readonly ciphertextBlob: string
  readonly keyId?: string | undefined
}

/** A Decrypt request. It names no key: the blob does. */
export interface KmsDecryptRequest extends CallOptions {
  readonly ciphertextBlob: string
  readonly encryptionContext?: EncryptionContext | undefined
}

/** A Decrypt response. */
export interface KmsDecryptResponse {
  readonly plaintext: string
  /** The id of the key that the blob names, if KMS returns it. */
  readonly keyId?: string | undefined
}

/**
 * The client that a `KmsProvider` calls, in the terms of Alibaba Cloud KMS. Use an `AlicloudKms`, which is based on
 * `@alicloud/kms20160120`, or your own object with these three methods.
 *
 * Each call is one request, without retries. The provider retries a call that throws a TransportError with `retryable`
 * set (throttling, 5xx, a reset connection).
 *
 * If KMS says that the blob, or its context, is invalid, `decrypt` must throw `ERR_CSE_UNWRAP_FAILED` and no other error.
 * The provider treats any error that is not a CseError as a failure of the client. It does not show that error, which
 * may contain the request.
 */
export interface KmsClient {
  /** The region of the KMS that it calls, such as `cn-hangzhou`. An ARN of another region is refused. */
  readonly region?: string | undefined
  /**
   * Whether each response names the key that was used, in `keyId`. Only then can the provider state the identity of its key, which
   * a keyring with a sealed-only key requires. There a response that names none is refused. Default false.
   */
  readonly namesKeys?: boolean | undefined
  generateDataKey(request: KmsGenerateDataKeyRequest): Promise<KmsGenerateDataKeyResponse>
  encrypt(request: KmsEncryptRequest): Promise<KmsEncryptResponse>
  decrypt(request: KmsDecryptRequest): Promise<KmsDecryptResponse>
}
