import {
  ALL_OF_IT,
  KMS,
  KMS_DESCRIBED,
  KMS_OSS2,
  KMS_PASSPHRASE,
  KMS_PASSPHRASE_ONCE,
  LOCAL_RSA,
  LOCAL_RSA_V1,
  MIXED,
  TWO_KMS,
} from './names.js'

const V1_FORMAT = {
  cause: 'Treats an object in the V1 format as a plain one, and returns its ciphertext.',
  source:
    'alibabacloud_oss_v2/encryption_client.py:377; oss/crypto/crypto_bucket.go:460-463; oss/encryption_client.go:344-346; CryptoModuleBase.java:184-188',
}

const ONCE = {
  cause:
    'Decodes base64 twice where all other SDKs encode once. oss-cse writes for it with `encoding: "oss2"`, and reads both forms.',
  source: 'oss2/models.py:110, oss2/crypto.py:388',
}

const TWICE = {
  cause: 'oss2 encodes base64 twice where all other SDKs encode once.',
  source: 'oss2/models.py:110, oss2/crypto.py:388',
}

/** @type {readonly import('../expectations.js').Expectation[]} */
export const KEY_SERVICES = [
  {
    verdict: 'refuses',
    reason: 'KMS does not know the blob',
    writers: ['python-v1'],
    objects: ['KMS'],
    readers: ['go-v1'],
    readings: ALL_OF_IT,
    ...TWICE,
  },
  {
    verdict: 'refuses',
    reason: 'it panics',
    writers: ['python-v1'],
    objects: [TWO_KMS],
    readers: ['go-v1'],
    readings: ALL_OF_IT,
    cause:
      'oss2 encodes base64 twice where all other SDKs encode once. With several keys, Go V1 loses the error of KMS and panics.',
    source: 'oss/crypto/crypto_bucket.go:110-131',
  },
  {
    verdict: 'refuses',
    reason: 'KMS does not know the blob',
    objects: [KMS_PASSPHRASE_ONCE],
    readers: ['python-v1'],
    readings: ALL_OF_IT,
    ...ONCE,
  },
  {
    verdict: 'refuses',
    reason: 'the wrap algorithm is not its own',
    objects: [MIXED],
    readers: ['python-v1'],
    readings: ALL_OF_IT,
    cause: 'Accepts only one kind of master key at a time.',
    source: 'oss2/models.py:126',
  },
  {
    verdict: 'refuses',
    reason: 'the key does not unwrap it',
    objects: [MIXED],
    readers: ['python-v2'],
    readings: ALL_OF_IT,
    cause:
      'Looks up keys by the text of their description, and takes the first key when none matches. It writes spaces in its own descriptions.',
    source: 'alibabacloud_oss_v2/encryption_client.py:184',
  },
  {
    verdict: 'absent',
    objects: [MIXED],
    readers: ['java-v1-3.18.4'],
    readings: ALL_OF_IT,
    cause: 'Accepts only one kind of master key at a time.',
  },
  {
    verdict: 'refuses',
    reason: 'KMS does not know the blob',
    writers: ['oss-cse', 'python-v2', 'go-v1', 'go-v2', 'java-v1-3.18.4'],
    objects: KMS,
    readers: ['python-v1'],
    readings: ALL_OF_IT,
    ...ONCE,
  },
  {
    verdict: 'refuses',
    reason: 'KMS does not know the blob',
    writers: ['python-v1'],
    objects: KMS,
    readers: ['python-v2', 'go-v2', 'java-v1-3.18.4'],
    readings: ALL_OF_IT,
    ...TWICE,
  },
  {
    verdict: 'refuses',
    reason: 'KMS does not know the blob',
    objects: [KMS_OSS2],
    readers: ['python-v2', 'go-v1', 'go-v2', 'java-v1-3.18.4'],
    readings: ALL_OF_IT,
    cause: 'Written for oss2, which decodes base64 twice where all other SDKs decode once.',
  },
  {
    verdict: 'absent',
    objects: [KMS_PASSPHRASE, KMS_PASSPHRASE_ONCE],
    readers: ['python-v2', 'go-v1', 'go-v2', 'java-v1-3.18.4'],
    readings: ALL_OF_IT,
    cause: 'Passes no encryption context to KMS. oss2 passes its passphrase as one.',
    source:
      'oss/crypto/master_alikms_cipher.go:53-85 of Go V1; com/aliyun/oss/crypto/KmsEncryptionMaterials.java; the samples of Python V2 and Go V2',
  },
  {
    verdict: 'absent',
    objects: [...KMS, KMS_OSS2, KMS_PASSPHRASE, KMS_PASSPHRASE_ONCE, MIXED],
    readers: ['java-v1'],
    readings: [...ALL_OF_IT, 'write'],
    cause: 'Version 3.18.5 no longer has KmsEncryptionMaterials. Version 3.18.4 is listed separately.',
  },
  {
    verdict: 'absent',
    objects: [...KMS, KMS_OSS2, KMS_PASSPHRASE, KMS_PASSPHRASE_ONCE, MIXED],
    readers: ['java-v2'],
    readings: [...ALL_OF_IT, 'write'],
    cause: 'Supports only RSA master keys.',
  },
  {
    verdict: 'refuses',
    reason: ['the key does not unwrap it', 'the wrap algorithm is not its own'],
    writers: ['oss-cse', 'python-v1'],
    objects: LOCAL_RSA,
    readers: ['python-v2', 'go-v1', 'go-v2', 'java-v1', 'java-v1-3.18.4', 'java-v2'],
    readings: ALL_OF_IT,
    cause: 'Supports only PKCS#1 v1.5. LocalRsaProvider wraps with OAEP.',
    source:
      'alibabacloud_oss_v2/crypto/master_rsa_cipher.py; oss/crypto/master_rsa_cipher.go; com/aliyun/oss/crypto/SimpleRSAEncryptionMaterials.java:165-168',
  },
  {
    verdict: 'wrong',
    writers: ['oss-cse'],
    objects: [LOCAL_RSA_V1],
    readers: ['python-v2', 'go-v1', 'go-v2', 'java-v1', 'java-v1-3.18.4', 'java-v2'],
    readings: ALL_OF_IT,
    ...V1_FORMAT,
  },
  {
    verdict: 'wrong',
    writers: ['python-v1-2.10'],
    objects: LOCAL_RSA,
    readers: ['python-v2', 'go-v1', 'go-v2', 'java-v1', 'java-v1-3.18.4', 'java-v2'],
    readings: ALL_OF_IT,
    ...V1_FORMAT,
  },
  {
    verdict: 'wrong',
    writers: ['python-v1-2.10'],
    objects: ['KMS'],
    readers: ['python-v2', 'go-v1', 'go-v2', 'java-v1-3.18.4'],
    readings: ALL_OF_IT,
    ...V1_FORMAT,
  },
  {
    verdict: 'refuses',
    reason: 'the V2 format',
    writers: ['oss-cse', 'python-v1', 'python-v2', 'go-v1', 'go-v2', 'java-v1-3.18.4'],
    objects: ['KMS', KMS_OSS2, KMS_PASSPHRASE, KMS_PASSPHRASE_ONCE, ...LOCAL_RSA],
    readers: ['python-v1-2.10'],
    readings: ['whole'],
    cause: 'Supports only the V1 format.',
    source: 'oss2/models.py:154 of 2.10.0',
  },
  {
    verdict: 'absent',
    objects: [KMS_DESCRIBED, TWO_KMS, MIXED],
    readers: ['python-v1-2.10'],
    readings: ['whole', 'write'],
    cause: 'That version supports only one key, and its V1 format has no descriptions.',
  },
  {
    verdict: 'absent',
    readers: ['python-v1-2.10'],
    readings: ['short range, not aligned'],
    cause: 'Does not support ranges of encrypted objects.',
    source: 'oss2/api.py:2460 of 2.10.0',
  },
]
