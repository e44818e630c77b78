import type { CallOptions } from '@oss-cse/crypto-core'
import { checkBucketName } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { runCall } from './oss-call.ts'

/** Options of `OssTransport.createBucket`. */
export interface CreateBucketOptions extends CallOptions {
  readonly acl?: 'private' | 'public-read' | 'public-read-write'
  readonly storageClass?: 'Standard' | 'IA' | 'Archive' | 'ColdArchive' | 'DeepColdArchive'
  readonly dataRedundancyType?: 'LRS' | 'ZRS'
}

/** See `OssTransport.createBucket`. */
export async function createBucket(
  connection: Connection,
  { acl, storageClass, dataRedundancyType, signal }: CreateBucketOptions,
): Promise<void> {
  const { bucket } = connection
  checkBucketName(bucket)
  await runCall(connection, { operation: 'create the bucket', signal }, (client) =>
    client.putBucket(bucket, {
      ...(acl !== undefined && { acl }),
      ...(storageClass !== undefined && { storageClass }),
      ...(dataRedundancyType !== undefined && { dataRedundancyType }),
    }),
  )
}
