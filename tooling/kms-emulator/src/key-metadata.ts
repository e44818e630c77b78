import type { KeyRecord } from './key-record.ts'
import { ACCOUNT_ID } from './key-store.ts'
import type { ResponseFields } from './operation-context.ts'

/** The metadata of a key that `CreateKey` and `DescribeKey` return. */
export function keyMetadata(key: KeyRecord, arn: string): ResponseFields {
  const primary = key.versions.find(({ versionId }) => versionId === key.primaryVersionId)
  return {
    KeyId: key.keyId,
    Arn: arn,
    CreationDate: wholeSeconds(key.createdAt),
    Creator: ACCOUNT_ID,
    Description: key.description,
    KeyState: key.state,
    KeySpec: 'Aliyun_AES_256',
    KeyUsage: 'ENCRYPT/DECRYPT',
    Origin: 'Aliyun_KMS',
    ProtectionLevel: key.protectionLevel,
    PrimaryKeyVersion: key.primaryVersionId,
    LastRotationDate: wholeSeconds(primary?.createdAt ?? key.createdAt),
    AutomaticRotation: 'Disabled',
    DeletionProtection: 'Disabled',
    DeleteDate: key.deleteAt === undefined ? '' : wholeSeconds(key.deleteAt),
    MaterialExpireTime: '',
  }
}

function wholeSeconds(timestamp: string): string {
  return timestamp.replace(/\.\d+Z$/, 'Z')
}
