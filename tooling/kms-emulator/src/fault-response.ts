import {
  internalFailure,
  noPermission,
  rejectedThrottling,
  serviceUnavailable,
  throttlingUser,
  timestampExpired,
} from './error-catalog.ts'
import type { FaultKind } from './faults.ts'
import type { KmsResponse } from './response-format.ts'

const JSON_TYPE = 'application/json;charset=utf-8'

/**
 * Returns the response of a fault, or `undefined` if the fault does not replace the response of the operation.
 *
 * @throws KmsError if the fault is a refusal
 */
export function faultResponse(kind: FaultKind, requestId: string): KmsResponse | undefined {
  switch (kind) {
    case 'throttle':
      throw throttlingUser()
    case 'rejected-throttling':
      throw rejectedThrottling()
    case 'status-500':
      throw internalFailure()
    case 'status-503':
      throw serviceUnavailable()
    case 'no-permission':
      throw noPermission()
    case 'clock-skew':
      throw timestampExpired()
    case 'html-502':
      return {
        status: 502,
        contentType: 'text/html',
        body: '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>',
      }
    case 'empty-answer':
      return { status: 200, contentType: JSON_TYPE, body: '{}' }
    case 'malformed-answer': {
      const fields = {
        RequestId: requestId,
        KeyId: null,
        KeyVersionId: [],
        Plaintext: 42,
        CiphertextBlob: {},
      }
      return { status: 200, contentType: JSON_TYPE, body: JSON.stringify(fields) }
    }
    default:
      return undefined
  }
}
