/** A request as the service receives it. */
export interface RequestToSign {
  /** In capital letters. */
  readonly method: string
  /** The name of the bucket, wherever the address has it: in the host, in the path, or nowhere. */
  readonly bucket?: string | undefined
  /** The object key. Not escaped. */
  readonly key?: string | undefined
  /**
   * The parameters of the query that select what the request is about, such as `uploadId` or `versionId`. Not escaped.
   * A parameter without a value has the value ''. Both versions sign them.
   */
  readonly subresources?: Readonly<Record<string, string>> | undefined
  /** The other parameters of the query, such as `prefix`. Not escaped. Version 1 does not sign them. */
  readonly query?: Readonly<Record<string, string>> | undefined
  /**
   * All headers of the request that begin with `x-oss-`, and `content-type` and `content-md5` if it has them. Other
   * headers are allowed and not signed. Names are in lower case. The signature covers the UTF-8 form of a value, so
   * send that form. A value must not contain a line break.
   */
  readonly headers: Readonly<Record<string, string>>
}

/** A request to sign with version 4. */
export interface RequestToSignV4 extends RequestToSign {
  /** The names of further headers to sign, such as `host`. The request must have them. */
  readonly additionalHeaders?: readonly string[] | undefined
}

/** The access key of a user, or of temporary credentials. Those also need the header `x-oss-security-token`. */
export interface AccessKey {
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

/** Where a version 4 signature is valid. */
export interface SignatureScope {
  /** Without `oss-`: `cn-hangzhou`. For a cloud box: its id. */
  readonly region: string
  /** `oss` (the default), or `oss-cloudbox` for a cloud box. */
  readonly product?: string | undefined
}
