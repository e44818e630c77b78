import { AFTER_CARRY } from './names.js'

/** @type {readonly import('../expectations.js').Expectation[]} */
export const COUNTERS = [
  {
    verdict: 'wrong',
    objects: ['a carry out of the low 64 bits', 'a carry out of the low 128 bits'],
    readers: ['go-v1', 'go-v2'],
    readings: AFTER_CARRY,
    cause: 'Seeks in the low 64 bits of the counter. No SDK writes an IV that carries out of them.',
    source: 'oss/crypto/crypto_type.go:104-106, in both',
  },
  {
    verdict: 'wrong',
    objects: ['a carry out of the low 64 bits', 'a carry out of the low 128 bits'],
    readers: ['java-v1', 'java-v2'],
    readings: AFTER_CARRY,
    cause:
      'Seeks in the low 32 bits of the counter. No SDK writes an IV that carries out of the low 64 bits.',
    source: 'CryptoScheme.java:79-95 of V1, CryptoScheme.java:26 of V2',
  },
  {
    verdict: 'refuses',
    reason: 'the range',
    objects: ['a carry out of the low 128 bits'],
    readers: ['python-v1', 'python-v2'],
    readings: AFTER_CARRY,
    cause: 'Cannot seek past 2^128. No SDK writes an IV that carries that far.',
    source: 'oss2/utils.py:653-658; alibabacloud_oss_v2/crypto/aes_ctr.py:217',
  },
]
