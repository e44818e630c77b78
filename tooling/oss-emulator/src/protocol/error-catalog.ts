import { OssError, type OssErrorExtras } from './oss-error.ts'

export function noSuchKey(key: string, headers: Record<string, string> = {}): OssError {
  return new OssError(404, 'NoSuchKey', 'The specified key does not exist.', {
    ec: '0026-00000001',
    details: { Key: key },
    headers,
  })
}

export function noSuchVersion(key: string, versionId: string): OssError {
  return new OssError(404, 'NoSuchVersion', 'The specified version does not exist.', {
    details: { Key: key, VersionId: versionId },
  })
}

/** @param key - the key, if the path could be decoded */
export function invalidObjectName(key?: string): OssError {
  return new OssError(
    400,
    'InvalidObjectName',
    'The specified object is not valid.',
    key === undefined ? {} : { details: { ObjectName: key } },
  )
}

export function noSuchBucket(bucket: string): OssError {
  return new OssError(404, 'NoSuchBucket', 'The specified bucket does not exist.', {
    ec: '0015-00000101',
    details: { BucketName: bucket },
  })
}

const UPLOAD_GONE =
  'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.'

/** @param ec - the error number, which differs between operations */
export function noSuchUpload(uploadId: string, ec?: string): OssError {
  return new OssError(404, 'NoSuchUpload', UPLOAD_GONE, {
    ...(ec === undefined ? {} : { ec }),
    details: { UploadId: uploadId },
  })
}

export function invalidArgument(message: string, ec?: string, details?: Record<string, string>): OssError {
  return new OssError(400, 'InvalidArgument', message, {
    ...(ec === undefined ? {} : { ec }),
    ...(details === undefined ? {} : { details }),
  })
}

export function accessDenied(message: string, ec?: string, details?: Record<string, string>): OssError {
  return new OssError(403, 'AccessDenied', message, {
    ...(ec === undefined ? {} : { ec }),
    ...(details === undefined ? {} : { details }),
  })
}

export function malformedXml(ec?: string): OssError {
  return new OssError(
    400,
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema.',
    ec === undefined ? {} : { ec },
  )
}

export function notImplemented(
  message = 'A header you provided implies functionality that is not implemented.',
  ec?: string,
): OssError {
  return new OssError(400, 'NotImplemented', message, ec === undefined ? {} : { ec })
}

export function formUploadNotImplemented(): OssError {
  return notImplemented('This server does not take form uploads (PostObject).')
}

/** The error of a read of an archived object. */
export function invalidObjectState(): OssError {
  return new OssError(403, 'InvalidObjectState', "The operation is not valid for the object's state", {
    ec: '0016-00000404',
  })
}

export function methodNotAllowed(method: string): OssError {
  return new OssError(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    details: { Method: method, ResourceType: 'Object' },
  })
}

export function fileAlreadyExists(): OssError {
  return new OssError(
    409,
    'FileAlreadyExists',
    'The object you specified already exists and can not be overwritten.',
    { ec: '0026-00000002' },
  )
}

export function invalidRange(extras: OssErrorExtras): OssError {
  return new OssError(416, 'InvalidRange', 'The requested range cannot be satisfied', extras)
}

export function preconditionFailed(condition: string): OssError {
  return new OssError(
    412,
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold.',
    { details: { Condition: condition } },
  )
}

export function entityTooLarge(maxBytes: number): OssError {
  return new OssError(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
    details: { MaxSizeAllowed: String(maxBytes) },
  })
}

/** @param ec - `0017-00000502` for an unreadable value, `0017-00000503` for a mismatch with the body */
export function invalidDigest(ec: '0017-00000502' | '0017-00000503'): OssError {
  return new OssError(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.', { ec })
}

export function invalidCrc64(): OssError {
  return new OssError(
    400,
    'InvalidCRC64',
    'The hash (crc64) you specified does not match the one we calculated.',
  )
}

export function missingContentLength(): OssError {
  return new OssError(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
}

export function internalError(): OssError {
  return new OssError(
    500,
    'InternalError',
    'Please contact the server administrator, oss@service.aliyun.com.',
  )
}

export function serviceUnavailable(headers: Record<string, string> = {}): OssError {
  return new OssError(503, 'ServiceUnavailable', 'Please reduce your request rate.', { headers })
}

/** Each client-side-encryption rule refuses with this status and code. */
export function invalidEncryptionRequest(message: string, ec?: string): OssError {
  return new OssError(400, 'InvalidEncryptionRequest', message, ec === undefined ? {} : { ec })
}
