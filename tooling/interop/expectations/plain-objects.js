/** @type {readonly import('../expectations.js').Expectation[]} */
export const PLAIN_OBJECTS = [
  {
    verdict: 'reads',
    readers: ['python-v1', 'python-v2', 'go-v1', 'go-v2', 'java-v1', 'java-v2'],
    readings: ['with the default options'],
    cause: 'Returns an object without an envelope as it is. No option rejects it.',
    source:
      'oss2/models.py:265; alibabacloud_oss_v2/encryption_client.py:377; oss/crypto/crypto_bucket.go:271-274; oss/encryption_client.go:186; CryptoModuleBase.java:222-226',
  },
]
