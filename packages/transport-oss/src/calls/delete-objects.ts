import type { DeleteObjectRequest, DeleteObjectsRequest } from '@oss-cse/crypto-core'
import { checkObjectKey, MAX_DELETED_KEYS } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { invalidArgument } from './invalid-argument.ts'
import { type OssCall, runCall } from './oss-call.ts'

const NOT_IN_XML = /[\p{Cc}\ufffe\uffff]/u

/** See `OssTransport.delete`. */
export async function deleteObject(
  connection: Connection,
  { key, versionId, signal }: DeleteObjectRequest,
): Promise<void> {
  checkObjectKey(key)
  await runCall(connection, { operation: 'delete', objectKey: key, signal }, (client) =>
    client.delete(key, versionId === undefined ? {} : { versionId }),
  )
}

/** See `OssTransport.deleteMany`. */
export async function deleteObjects(
  connection: Connection,
  { keys, signal }: DeleteObjectsRequest,
): Promise<readonly string[]> {
  if (keys.length > MAX_DELETED_KEYS) {
    throw invalidArgument(
      `deleteMany takes at most ${MAX_DELETED_KEYS} keys, not ${keys.length}. Call it several times.`,
    )
  }
  for (const key of keys) checkObjectKey(key)
  const plain = keys.filter((key) => !NOT_IN_XML.test(key))
  const deleted = new Set<string>()
  if (plain.length > 0) {
    const expected = { root: 'DeleteResult' }
    const call: OssCall = { operation: 'delete several objects', signal, expected }
    const { value } = await runCall(connection, call, async (client) => {
      const result = (await client.deleteMulti(plain, {})) as { deleted: { Key: string }[] }
      return new Set(result.deleted.map(({ Key }) => Key))
    })
    for (const key of plain) if (value.has(key)) deleted.add(key)
  }
  for (const key of keys.filter((key) => NOT_IN_XML.test(key))) {
    await deleteObject(connection, { key, signal })
    deleted.add(key)
  }
  return [...deleted]
}
