import { BEYOND, FROM_BEYOND, LONG_SUFFIX, NOT_PHP, OPEN, SUFFIXES, TO_BEYOND } from './names.js'

/** @type {readonly import('../expectations.js').Expectation[]} */
export const RANGES = [
  {
    verdict: 'wrong',
    writers: NOT_PHP,
    readers: ['python-v1'],
    readings: BEYOND,
    cause:
      'Does not send x-oss-range-behavior, so the service returns the whole object. The SDK drops from it what it would have dropped from the range.',
    source: 'oss2/crypto_bucket.py:181, oss2/models.py:289-299',
  },
  {
    verdict: 'wrong',
    readers: ['python-v2'],
    readings: [TO_BEYOND, FROM_BEYOND],
    cause:
      'Sends x-oss-range-behavior only when it moved the start of the range. Otherwise the service returns the whole object, and the SDK decrypts it as if it were the range.',
    source: 'alibabacloud_oss_v2/encryption_client.py:208-227',
  },
  {
    verdict: 'wrong',
    writers: NOT_PHP,
    readers: ['go-v1'],
    readings: BEYOND,
    cause:
      'Does not send x-oss-range-behavior, so the service returns the whole object. The SDK decrypts it as if it were the range.',
    source: 'oss/crypto/crypto_bucket.go:309-349',
  },
  {
    verdict: 'wrong',
    readers: ['go-v2'],
    readings: [TO_BEYOND, FROM_BEYOND],
    cause:
      'Sends x-oss-range-behavior only when it moved the start of the range. Otherwise the service returns the whole object, and the SDK decrypts it as if it were the range.',
    source: 'oss/encryption_client.go:167-172, 204-207',
  },
  {
    verdict: 'wrong',
    writers: NOT_PHP,
    readers: ['java-v1'],
    readings: BEYOND,
    cause:
      'Does not send x-oss-range-behavior, so the service returns the whole object. The SDK decrypts it correctly and returns all of it.',
    source: 'com/aliyun/oss/crypto/CryptoModuleBase.java:213-218',
  },
  {
    verdict: 'wrong',
    readers: ['java-v2'],
    readings: BEYOND,
    cause:
      'Has only the parts of an encryption client. Assembled as its authors did later, they treat the whole object, which the service returns, as the range.',
    source: 'com/aliyun/sdk/service/oss2/encryption/internal/CryptoUtils.java',
  },
  {
    verdict: 'refuses',
    reason: 'the range',
    readers: ['python-v1'],
    readings: [...SUFFIXES, LONG_SUFFIX],
    cause: 'Rejects suffix ranges.',
    source: 'oss2/crypto_bucket.py:175',
  },
  {
    verdict: 'wrong',
    readers: ['python-v2'],
    readings: [...SUFFIXES, LONG_SUFFIX],
    cause: 'Treats the length of a suffix as an offset, and drops bytes that it should return.',
    source: 'alibabacloud_oss_v2/encryption_client.py:204-213, 236',
  },
  {
    verdict: 'wrong',
    writers: NOT_PHP,
    readers: ['go-v1'],
    readings: SUFFIXES,
    cause: 'Decrypts a suffix as if it were the start of the object.',
    source: 'oss/crypto/crypto_bucket.go:309',
  },
  {
    verdict: 'wrong',
    readers: ['go-v2'],
    readings: SUFFIXES,
    cause: 'Decrypts a suffix as if it were the start of the object.',
    source: 'oss/utils.go:373-387, oss/encryption_client.go:147-155',
  },
  {
    verdict: 'refuses',
    reason: 'the range',
    readers: ['java-v1'],
    readings: [...OPEN, ...SUFFIXES, LONG_SUFFIX],
    cause: 'Rejects open ranges and suffix ranges.',
    source: 'com/aliyun/oss/crypto/CryptoModuleBase.java:454',
  },
  {
    verdict: 'absent',
    readers: ['java-v2'],
    readings: [...SUFFIXES, LONG_SUFFIX],
    cause: 'Cannot align a suffix range.',
    source: 'com/aliyun/sdk/service/oss2/encryption/internal/CryptoUtils.java',
  },
]
