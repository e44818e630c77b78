/** One answer of KMS to Decrypt, as it was recorded. */
export interface RecordedAnswer {
  readonly ciphertextBlob: string
  /** What it was asked with; `{}` for none. */
  readonly encryptionContext: Readonly<Record<string, string>>
  readonly plaintext: string
  readonly keyId: string
}

/** The RSA key pair of that name in `vectorKeys.rsa`. */
export interface RsaMasterKey {
  readonly kind: 'rsa'
  readonly name: string
}

/** The key files of that name in `vectorKeys['local-rsa']`: what oss2's `LocalRsaProvider` and ours read. */
export interface LocalRsaMasterKey {
  readonly kind: 'local-rsa'
  readonly name: string
  /** Of the key files. */
  readonly passphrase?: string
}

/** A key of KMS, and all that it answered when the object was read. */
export interface KmsMasterKey {
  readonly kind: 'kms'
  readonly keyId: string
  /** What goes as the encryption context `x-passphrase`. */
  readonly passphrase?: string
  readonly answers: readonly RecordedAnswer[]
}

export type VectorMasterKey = RsaMasterKey | LocalRsaMasterKey | KmsMasterKey

/** An object that an SDK wrote, and everything that came of reading it. */
export interface SdkVector<MasterKey extends VectorMasterKey = VectorMasterKey> {
  /** Who wrote it, for instance `Go V2`. `…, by hand`: an object in the exact form of an SDK. */
  readonly sdk: string
  /** The versions of the SDK's packages; empty when it was made by hand. */
  readonly versions: Readonly<Record<string, string>>
  /** What was written, for instance `KMS, a passphrase`. One of a kind for each SDK. */
  readonly kind: string
  /** The envelope and the user metadata, by names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly masterKey: MasterKey
  /** The material description that the object names, as pairs; none is `[]`. */
  readonly description: readonly (readonly [name: string, value: string])[]
  /** The content key in clear: base64 of 32 bytes. */
  readonly cek: string
  /** The IV in clear: base64 of 16 bytes. */
  readonly iv: string
  readonly sizeBytes: number
  /** Of the plaintext, in hexadecimal. */
  readonly plaintextSha256: string
  /** Base64. */
  readonly ciphertext: string
}

/** Every vector, one SDK after the other. */
export const sdkVectors: readonly SdkVector[]

/** The vectors under master keys of these kinds. */
export function sdkVectorsUnder<Kind extends VectorMasterKey['kind']>(
  ...kinds: readonly Kind[]
): readonly SdkVector<Extract<VectorMasterKey, { readonly kind: Kind }>>[]

/** The keys of the vectors, by kind and name. They were made for this and protect nothing. */
export const vectorKeys: {
  /** PKCS#8. No object is under the key `b`. */
  readonly rsa: Readonly<Record<string, { readonly privateKeyPem: string }>>
  /** Both files as they lie on the disk. */
  readonly 'local-rsa': Readonly<
    Record<string, { readonly privateKeyPem: string; readonly publicKeyPem: string }>
  >
}
