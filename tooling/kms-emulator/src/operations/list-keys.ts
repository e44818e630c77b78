import type { OperationContext, ResponseFields } from '../operation-context.ts'

const MAX_PAGE_NUMBER = 999_999_999
const MAX_PAGE_SIZE = 100
const DEFAULT_PAGE_SIZE = 10

/** `ListKeys`. Returns one page of keys, the oldest key first. */
export function listKeys(context: OperationContext): ResponseFields {
  const pageNumber = context.integer('PageNumber', 1, MAX_PAGE_NUMBER) ?? 1
  const pageSize = context.integer('PageSize', 1, MAX_PAGE_SIZE) ?? DEFAULT_PAGE_SIZE
  const keys = context.store.list()
  const page = keys.slice((pageNumber - 1) * pageSize, pageNumber * pageSize)
  return {
    Keys: { Key: page.map(({ keyId }) => ({ KeyId: keyId, KeyArn: context.store.arn(keyId) })) },
    PageNumber: pageNumber,
    PageSize: pageSize,
    TotalCount: keys.length,
  }
}
