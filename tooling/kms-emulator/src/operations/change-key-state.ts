import { missingParameter } from '../error-catalog.ts'
import { cancelDeletion, scheduleDeletion, setEnabled } from '../key-states.ts'
import type { OperationContext, ResponseFields } from '../operation-context.ts'

const MIN_PENDING_DAYS = 7
const MAX_PENDING_DAYS = 366

/** `EnableKey` */
export function enableKey(context: OperationContext): ResponseFields {
  setEnabled(context.store, context.key('KeyId'), true)
  return {}
}

/** `DisableKey` */
export function disableKey(context: OperationContext): ResponseFields {
  setEnabled(context.store, context.key('KeyId'), false)
  return {}
}

/** `ScheduleKeyDeletion` */
export function scheduleKeyDeletion(context: OperationContext): ResponseFields {
  const key = context.key('KeyId')
  const days = context.integer('PendingWindowInDays', MIN_PENDING_DAYS, MAX_PENDING_DAYS)
  if (days === undefined) throw missingParameter('PendingWindowInDays')
  scheduleDeletion(context.store, key, days, context.now)
  return {}
}

/** `CancelKeyDeletion` */
export function cancelKeyDeletion(context: OperationContext): ResponseFields {
  cancelDeletion(context.store, context.key('KeyId'))
  return {}
}
