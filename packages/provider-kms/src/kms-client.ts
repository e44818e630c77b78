import type { CallOptions } from '@oss-cse/crypto-core'

/**
 * What KMS binds to a ciphertext: only who gives the same pairs can decrypt it. It is not secret, and KMS logs it.
 *
 * @example
 * ```ts
 * const context: EncryptionContext = { department: 'research' }
 * ```
 */
export type EncryptionContext = Readonly<Record<string, string>>

/** A call of KMS under a key. */
export interface KmsKeyRequest extends CallOptions {
  /** A key id, an alias (`alias/…`), or the ARN of either. */
  readonly keyId: string
  /** Absent when there is nothing to bind. */
  readonly encryptionContext?: EncryptionContext | undefined
}

/** What GenerateDataKey is asked: always for a key of 32 bytes (AES_256). */
export type KmsGenerateDataKeyRequest = KmsKeyRequest

/** What GenerateDataKey answers. */
export interface KmsGenerateDataKeyResponse {
  /** The new key, base64. */
  readonly plaintext: string
  /** The new key, encrypted: printable ASCII, as `decrypt` takes it. */
  readonly ciphertextBlob: string
  /** The id of the key that encrypted it, where KMS says it. */
  readonly keyId?: string | undefined
}

/** What Encrypt is asked. */
export interface KmsEncryptRequest extends KmsKeyRequest {
  /** Any text; Decrypt gives it back as it is. */
  readonly plaintext: string
}

/** What Encrypt answers. */
export interface KmsEncryptResponse {
  readonly ciphertextBlob: string
  readonly keyId?: string | undefined
}

/** What Decrypt is asked. It takes no key: KMS finds it by the blob. */
export interface KmsDecryptRequest extends CallOptions {
  readonly ciphertextBlob: string
  readonly encryptionContext?: EncryptionContext | undefined
}

/** What Decrypt answers. */
export interface KmsDecryptResponse {
  readonly plaintext: string
  /** The id of the key that the blob names, where KMS says it. */
  readonly keyId?: string | undefined
}

/**
 * A key management service that speaks the terms of Alibaba Cloud KMS: what a `KmsProvider` calls. `AlicloudKms` is
 * one, on `@alicloud/kms20160120`; an object of your own with these three methods is another.
 *
 * Each call is one request, not retried: the provider does that, when a method rejects with a TransportError that is
 * `retryable` (throttling, 5xx, a reset connection). `decrypt` rejects with `ERR_CSE_UNWRAP_FAILED` when KMS says that
 * the blob, or the context with it, is not valid, and with nothing else for that. What is no CseError is taken for a
 * failure of the client, and is not shown: it may hold the request.
 */
export interface KmsClient {
  /** The region whose KMS it calls, such as `cn-hangzhou`: an ARN of another one is refused. */
  readonly region?: string | undefined
  generateDataKey(request: KmsGenerateDataKeyRequest): Promise<KmsGenerateDataKeyResponse>
  encrypt(request: KmsEncryptRequest): Promise<KmsEncryptResponse>
  decrypt(request: KmsDecryptRequest): Promise<KmsDecryptResponse>
}
