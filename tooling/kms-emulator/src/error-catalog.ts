import { KmsError } from './kms-error.ts'

export function missingParameter(name: string): KmsError {
  return new KmsError(400, 'MissingParameter', `The parameter "${name}" is needed but not provided.`)
}

export function invalidParameter(name: string): KmsError {
  return new KmsError(400, 'InvalidParameter', `The specified parameter "${name}" is not valid.`)
}

export function keyNotFound(): KmsError {
  return new KmsError(404, 'Forbidden.KeyNotFound', 'The specified Key is not found.')
}

export function aliasNotFound(): KmsError {
  return new KmsError(404, 'Forbidden.AliasNotFound', 'The specified Alias is not found.')
}

export function aliasAlreadyExists(): KmsError {
  return new KmsError(400, 'AliasAlreadyExists', 'AliasName Already Exists.')
}

export function rejectedByState(state: 'Disabled' | 'PendingDeletion'): KmsError {
  return new KmsError(409, `Rejected.${state}`, `The request was rejected because the key state is ${state}.`)
}

export function stateModifiedFailed(): KmsError {
  return new KmsError(409, 'Rejected.StateModifiedFailed', 'Keystate modified failed.')
}

export function noPermission(): KmsError {
  return new KmsError(403, 'Forbidden.NoPermission', 'This operation is forbidden by permission system.')
}

export function throttlingUser(): KmsError {
  return new KmsError(400, 'Throttling.User', 'Request was denied due to user flow control.')
}

export function rejectedThrottling(): KmsError {
  return new KmsError(429, 'Rejected.Throttling', 'QPS Limit Exceeded.')
}

export function internalFailure(): KmsError {
  return new KmsError(500, 'InternalFailure', 'Internal Failure.')
}

export function serviceUnavailable(): KmsError {
  return new KmsError(503, 'ServiceUnavailableTemporary', 'Service Unavailable Temporary.')
}

export function accessKeyNotFound(): KmsError {
  return new KmsError(
    404,
    'InvalidAccessKeyId.NotFound',
    'The AccessKey ID provided does not exist in our records.',
  )
}

export function securityTokenExpired(): KmsError {
  return new KmsError(400, 'InvalidSecurityToken.Expired', 'Specified SecurityToken is expired.')
}

export function securityTokenMalformed(): KmsError {
  return new KmsError(400, 'InvalidSecurityToken.Malformed', 'Specified SecurityToken is malformed.')
}

export function securityTokenMismatch(): KmsError {
  return new KmsError(
    400,
    'InvalidSecurityToken.MismatchWithAccessKey',
    'Specified SecurityToken mismatch with the AccessKey.',
  )
}

export function incompleteSignature(): KmsError {
  return new KmsError(
    400,
    'IncompleteSignature',
    'The request signature does not conform to Alibaba Cloud standards.',
  )
}

/**
 * The service adds its string to sign after the colon. It is omitted here, because it contains each parameter of the
 * request. The Python SDK requires the colon (aliyunsdkcore 2.16.1, client.py:479).
 */
export function signatureDoesNotMatch(): KmsError {
  return new KmsError(
    400,
    'SignatureDoesNotMatch',
    'Specified signature is not matched with our calculation. server string to sign is:(left out)',
  )
}

export function invalidSignatureMethod(): KmsError {
  return new KmsError(400, 'InvalidSignatureMethod', 'Specified signature method is not valid.')
}

export function signatureNonceUsed(): KmsError {
  return new KmsError(400, 'SignatureNonceUsed', 'Specified signature nonce was used already.')
}

export function illegalTimestamp(): KmsError {
  return new KmsError(
    400,
    'IllegalTimestamp',
    'The input parameter "Timestamp" that is mandatory for processing this request is not supplied.',
  )
}

export function timestampFormat(): KmsError {
  return new KmsError(
    400,
    'InvalidTimeStamp.Format',
    'Specified time stamp or date value is not well formatted.',
  )
}

export function timestampExpired(): KmsError {
  return new KmsError(400, 'InvalidTimeStamp.Expired', 'Specified time stamp or date value is expired.')
}

export function invalidVersion(): KmsError {
  return new KmsError(404, 'InvalidVersion', 'Specified parameter Version is not valid.')
}

export function actionNotFound(): KmsError {
  return new KmsError(
    404,
    'InvalidAction.NotFound',
    'Specified api is not found, please check your url and method.',
  )
}

export function unsupportedHttpMethod(): KmsError {
  return new KmsError(403, 'UnsupportedHTTPMethod', 'This http method is not supported.')
}
