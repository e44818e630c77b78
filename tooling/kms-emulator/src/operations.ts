import { actionNotFound, invalidVersion, missingParameter } from './error-catalog.ts'
import type { KmsRequest } from './kms-request.ts'
import type { Operation, OperationContext, ResponseFields } from './operation-context.ts'
import { createAlias, deleteAlias } from './operations/aliases.ts'
import {
  cancelKeyDeletion,
  disableKey,
  enableKey,
  scheduleKeyDeletion,
} from './operations/change-key-state.ts'
import { createKey } from './operations/create-key.ts'
import { decrypt } from './operations/decrypt.ts'
import { describeKey } from './operations/describe-key.ts'
import { encrypt } from './operations/encrypt.ts'
import { generateDataKey, generateDataKeyWithoutPlaintext } from './operations/generate-data-key.ts'
import { listKeys } from './operations/list-keys.ts'
import { reEncrypt } from './operations/re-encrypt.ts'

const API_VERSION = '2016-01-20'

const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    CancelKeyDeletion: cancelKeyDeletion,
    CreateAlias: createAlias,
    CreateKey: createKey,
    Decrypt: decrypt,
    DeleteAlias: deleteAlias,
    DescribeKey: describeKey,
    DisableKey: disableKey,
    EnableKey: enableKey,
    Encrypt: encrypt,
    GenerateDataKey: generateDataKey,
    GenerateDataKeyWithoutPlaintext: generateDataKeyWithoutPlaintext,
    ListKeys: listKeys,
    ReEncrypt: reEncrypt,
    ScheduleKeyDeletion: scheduleKeyDeletion,
  }),
)

/** The action of a request, if such an operation exists. */
export function knownAction(request: KmsRequest): string | undefined {
  return request.action !== undefined && OPERATIONS.has(request.action) ? request.action : undefined
}

/**
 * Runs the operation of an authenticated request.
 *
 * @throws KmsError with the code and message of the service
 */
export function runOperation(request: KmsRequest, context: OperationContext): ResponseFields {
  if (!request.action) throw missingParameter('Action')
  if (!request.version) throw missingParameter('Version')
  if (request.version !== API_VERSION) throw invalidVersion()
  const operation = OPERATIONS.get(request.action)
  if (operation === undefined) throw actionNotFound()
  return operation(context)
}
