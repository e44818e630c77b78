import { BEYOND, FROM_BEYOND, LONG_SUFFIX, NOT_PHP, OPEN, SUFFIXES, TO_BEYOND } from './names.js'

/** @type {readonly import('../expectations.js').Expectation[]} */
export const RANGES = [
  {
    verdict: 'wrong',
    writers: NOT_PHP,
    readers: ['python-v1'],
    readings: BEYOND,
    cause:
      'Sends no x-oss-range-behavior: the service answers with the whole object, of which it drops what it would have dropped of the range.',
    source: 'oss2/crypto_bucket.py:181, oss2/models.py:289-299',
  },
  {
    verdict: 'wrong',
    readers: ['python-v2'],
    readings: [TO_BEYOND, FROM_BEYOND],
    cause:
      'Sends x-oss-range-behavior only where it moved the start: the service answers with the whole object, which is decrypted as if it were the range.',
    source: 'alibabacloud_oss_v2/encryption_client.py:208-227',
  },
  {
    verdict: 'wrong',
    writers: NOT_PHP,
    readers: ['go-v1'],
    readings: BEYOND,
    cause:
      'Sends no x-oss-range-behavior: the service answers with the whole object, which is decrypted as if it were the range.',
    source: 'oss/crypto/crypto_bucket.go:309-349',
  },
  {
    verdict: 'wrong',
    readers: ['go-v2'],
    readings: [TO_BEYOND, FROM_BEYOND],
    cause:
      'Sends x-oss-range-behavior only where it moved the start: the service answers with the whole object, which is decrypted as if it were the range.',
    source: 'oss/encryption_client.go:167-172, 204-207',
  },
  {
    verdict: 'wrong',
    writers: NOT_PHP,
    readers: ['java-v1'],
    readings: BEYOND,
    cause:
      'Sends no x-oss-range-behavior: the service answers with the whole object, and that is handed out, rightly decrypted.',
    source: 'com/aliyun/oss/crypto/CryptoModuleBase.java:213-218',
  },
  {
    verdict: 'wrong',
    readers: ['java-v2'],
    readings: BEYOND,
    cause:
      'Has only the parts of an encryption client. Put together as its authors did later, they take the whole object, with which the service answers, for the range.',
    source: 'com/aliyun/sdk/service/oss2/encryption/internal/CryptoUtils.java',
  },
  {
    verdict: 'refuses',
    reason: 'the range',
    readers: ['python-v1'],
    readings: [...SUFFIXES, LONG_SUFFIX],
    cause: 'Refuses suffix ranges.',
    source: 'oss2/crypto_bucket.py:175',
  },
  {
    verdict: 'wrong',
    readers: ['python-v2'],
    readings: [...SUFFIXES, LONG_SUFFIX],
    cause: 'Takes the length of a suffix for an offset, and drops bytes that it should hand out.',
    source: 'alibabacloud_oss_v2/encryption_client.py:204-213, 236',
  },
  {
    verdict: 'wrong',
    writers: NOT_PHP,
    readers: ['go-v1'],
    readings: SUFFIXES,
    cause: 'Decrypts a suffix as if it were the beginning.',
    source: 'oss/crypto/crypto_bucket.go:309',
  },
  {
    verdict: 'wrong',
    readers: ['go-v2'],
    readings: SUFFIXES,
    cause: 'Decrypts a suffix as if it were the beginning.',
    source: 'oss/utils.go:373-387, oss/encryption_client.go:147-155',
  },
  {
    verdict: 'refuses',
    reason: 'the range',
    readers: ['java-v1'],
    readings: [...OPEN, ...SUFFIXES, LONG_SUFFIX],
    cause: 'Refuses ranges without an end and suffix ranges.',
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
