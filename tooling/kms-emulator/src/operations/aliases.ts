import { invalidParameter, stateModifiedFailed } from '../error-catalog.ts'
import type { OperationContext, ResponseFields } from '../operation-context.ts'

const ALIAS = /^alias\/[A-Za-z0-9_/-]{1,255}$/

/** `CreateAlias` */
export function createAlias(context: OperationContext): ResponseFields {
  const alias = aliasName(context)
  const key = context.key('KeyId')
  if (key.state === 'PendingDeletion') throw stateModifiedFailed()
  context.store.addAlias(key, alias)
  return {}
}

/** `DeleteAlias` */
export function deleteAlias(context: OperationContext): ResponseFields {
  const alias = aliasName(context)
  const key = context.key('AliasName')
  context.store.save({ ...key, aliases: key.aliases.filter((other) => other !== alias) })
  return {}
}

function aliasName(context: OperationContext): string {
  const alias = context.required('AliasName')
  if (!ALIAS.test(alias)) throw invalidParameter('AliasName')
  return alias
}
