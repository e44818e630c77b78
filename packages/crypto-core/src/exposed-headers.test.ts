import { describe, expect, test } from 'vitest'
import { decodeEnvelope } from './envelope-codec.ts'
import { EXPOSED_HEADERS } from './exposed-headers.ts'
import { OSS_HEADERS, qosDelayOf, V1_HEADERS, V2_HEADERS } from './headers.ts'
import { objectAttributes } from './object-attributes.ts'
import type { HeaderMap } from './ports.ts'
import { SEALED_CEK_ALGORITHM } from './segment-plan.ts'

/** What a page sees of a response under a CORS rule that exposes the list. */
function seenByPage(headers: HeaderMap): HeaderMap {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => EXPOSED_HEADERS.includes(name)))
}

describe('a page that may read the exposed headers', () => {
  test('reads the whole envelope of either version, sealed or not', () => {
    const [wrapped, size] = ['d3JhcHBlZA==', '1048576']
    const v2 = {
      [V2_HEADERS.wrappedCek]: wrapped,
      [V2_HEADERS.wrappedIv]: wrapped,
      [V2_HEADERS.wrapAlgorithm]: 'RSA/NONE/PKCS1Padding',
      [V2_HEADERS.materialDescription]: '{"a":"b"}',
      [V2_HEADERS.unencryptedContentLength]: size,
      [V2_HEADERS.unencryptedContentMd5]: 'CY9rzUYh03PK3k6DJie09g==',
      [V2_HEADERS.dataSize]: size,
      [V2_HEADERS.partSize]: size,
    }
    const v1 = {
      [V1_HEADERS.wrappedCek]: wrapped,
      [V1_HEADERS.wrappedStart]: wrapped,
      [V1_HEADERS.cekAlgorithm]: 'AES/GCM/NoPadding',
      [V1_HEADERS.wrapAlgorithm]: 'rsa',
      [V1_HEADERS.materialDescription]: '{"a":"b"}',
      [V1_HEADERS.unencryptedContentLength]: size,
    }
    const sealed = { ...v2, [V2_HEADERS.cekAlgorithm]: SEALED_CEK_ALGORITHM }
    for (const headers of [v1, sealed, { ...v2, [V2_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding' }]) {
      expect(seenByPage(headers)).toEqual(headers)
    }
    expect(decodeEnvelope(seenByPage(v1))).toBeDefined()
  })

  test('reads all attributes of an object, and for how long it was throttled', () => {
    const headers = {
      [OSS_HEADERS.objectType]: 'Normal',
      [OSS_HEADERS.storageClass]: 'Archive',
      [OSS_HEADERS.restore]: 'ongoing-request="false", expiry-date="Sun, 16 Apr 2017 08:12:33 GMT"',
      [OSS_HEADERS.retentionMode]: 'COMPLIANCE',
      [OSS_HEADERS.retainUntil]: '2030-01-01T00:00:00.000Z',
      [OSS_HEADERS.taggingCount]: '2',
      [OSS_HEADERS.versionId]: 'v',
      [OSS_HEADERS.serverSideEncryption]: 'KMS',
      [OSS_HEADERS.serverSideEncryptionKeyId]: 'id',
      [OSS_HEADERS.serverSideDataEncryption]: 'SM4',
      [OSS_HEADERS.qosDelay]: '120',
    }
    const seen = seenByPage(headers)
    expect(objectAttributes(seen)).toEqual(objectAttributes(headers))
    expect(qosDelayOf(seen)).toBe(120)
  })
})

test('each exposed header is a name in lower case without a wildcard, named once', () => {
  for (const name of EXPOSED_HEADERS) expect(name).toMatch(/^[a-z0-9-]+$/)
  expect(new Set(EXPOSED_HEADERS).size).toBe(EXPOSED_HEADERS.length)
})
