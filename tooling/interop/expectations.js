/**
 * Each way in which a cell is not what the format makes right, and why. A cell must match exactly one of them, with
 * its verdict, and each of them at least one cell: so a change on either side is noticed. Lines are those of the
 * versions that the drivers pin.
 *
 * @typedef {object} Expectation
 * @property {import('./run-matrix.js').Verdict} verdict
 * @property {import('./refusals.js').Reason | readonly import('./refusals.js').Reason[]} [reason] - of a refusal
 * @property {readonly string[]} [writers] - absent: all
 * @property {readonly string[]} [objects] - their ids; absent: all
 * @property {readonly string[]} [readers] - absent: all
 * @property {readonly string[]} [readings] - absent: all; `write` is the writer's own part
 * @property {string} cause
 * @property {string} [source] - the SDK's file and line
 */

const PLAIN_DESCRIPTION = 'a description'
const HARD = 'a description of spaces, slashes, quotes, <>&'
const NON_ASCII = 'a description that is not ASCII'
const TWO = 'two keys'
const TWO_HARD = 'two keys, spaces, slashes, quotes, <>&'
const KMS_DESCRIBED = 'KMS, a description'
const TWO_KMS = 'two KMS keys'
const KMS = ['KMS', KMS_DESCRIBED, TWO_KMS]
const MIXED = 'KMS, read beside an RSA key'
const KMS_OSS2 = 'KMS, encoding: oss2'
const KMS_PASSPHRASE = 'KMS, a passphrase'
const KMS_PASSPHRASE_ONCE = 'KMS, a passphrase, encoding: blob'
const LOCAL_RSA = ['LocalRsaProvider', 'LocalRsaProvider, a passphrase']
const LOCAL_RSA_V1 = 'LocalRsaProvider, format: v1'
const UPLOADS = ['20 MiB + 3 bytes, file upload', '20 MiB + 3 bytes, file upload, interrupted']

const ALL_OF_IT = ['whole', 'short range, not aligned']
const OPEN = ['range, open, from 0', 'range, open, aligned', 'range, open, not aligned']
const SUFFIXES = ['suffix, aligned', 'suffix, not aligned']
const LONG_SUFFIX = 'suffix longer than the object'
const TO_BEYOND = 'range to beyond the end, aligned'
const TO_BEYOND_UNALIGNED = 'range to beyond the end, not aligned'
const FROM_BEYOND = 'range that begins beyond the end'
const BEYOND = [TO_BEYOND, TO_BEYOND_UNALIGNED, FROM_BEYOND]
const AFTER_CARRY = ['range after the carry, aligned', 'range after the carry, not aligned']
const DOWNLOADS = ['download', 'download, interrupted']

const V1_FORMAT = {
  cause: 'Takes an object of the V1 format for a plain one, and hands its ciphertext out.',
  source:
    'alibabacloud_oss_v2/encryption_client.py:377; oss/crypto/crypto_bucket.go:460-463; oss/encryption_client.go:344-346; CryptoModuleBase.java:184-188',
}
const ONCE = {
  cause:
    'Decodes base64 twice where all other SDKs encode once. oss-cse writes for it with `encoding: "oss2"`, and reads both.',
  source: 'oss2/models.py:110, oss2/crypto.py:388',
}
const TWICE = {
  cause: 'oss2 encodes base64 twice where all other SDKs encode once.',
  source: 'oss2/models.py:110, oss2/crypto.py:388',
}
const EMPTY_LIST = {
  cause: 'PHP V2 writes "[]" for no description, which this SDK does not take for one.',
  source:
    'oss2/models.py:269-277; oss/crypto/crypto_bucket.go:72-73, 293; com/aliyun/oss/crypto/CryptoModuleBase.java:578-595',
}
const GO_V1_TEXT = {
  cause: 'With one key, compares descriptions as texts; Python writes spaces.',
  source: 'oss/crypto/crypto_bucket.go:72-73, 293',
}

/** All but PHP V2, whose "[]" stops some readers before anything else can. */
const NOT_PHP = ['oss-cse', 'python-v1', 'python-v2', 'go-v1', 'go-v2', 'java-v1', 'java-v2', 'cpp']

/** @type {readonly Expectation[]} */
const RANGES = [
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

/** @type {readonly Expectation[]} */
const COUNTERS = [
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
    cause: 'Seeks in the low 32 bits of the counter. No SDK writes an IV that carries out of 64.',
    source: 'CryptoScheme.java:79-95 of V1, CryptoScheme.java:26 of V2',
  },
  {
    verdict: 'refuses',
    reason: 'the range',
    objects: ['a carry out of the low 128 bits'],
    readers: ['python-v1', 'python-v2'],
    readings: AFTER_CARRY,
    cause: 'Cannot seek beyond 2^128. No SDK writes an IV that carries so far.',
    source: 'oss2/utils.py:653-658; alibabacloud_oss_v2/crypto/aes_ctr.py:217',
  },
]

/** @type {readonly Expectation[]} */
const DESCRIPTIONS = [
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    writers: ['python-v1', 'python-v2'],
    objects: [PLAIN_DESCRIPTION],
    readers: ['go-v1'],
    readings: ['whole'],
    ...GO_V1_TEXT,
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    writers: ['python-v1', 'python-v2'],
    objects: [KMS_DESCRIBED],
    readers: ['go-v1'],
    readings: ALL_OF_IT,
    ...GO_V1_TEXT,
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    writers: ['python-v1', 'python-v2', 'java-v1', 'cpp', 'php-v2'],
    objects: [HARD],
    readers: ['go-v1'],
    readings: ['whole'],
    cause: 'With one key, compares descriptions as texts; others escape other characters.',
    source: 'oss/crypto/crypto_bucket.go:72-73, 293',
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    writers: ['oss-cse', 'python-v1', 'python-v2', 'cpp', 'php-v2'],
    objects: [NON_ASCII],
    readers: ['go-v1'],
    readings: ['whole'],
    cause: 'With one key, compares descriptions as texts, its own with raw UTF-8.',
    source: 'oss/crypto/crypto_bucket.go:72-73, 293',
  },
  {
    verdict: 'refuses',
    reason: 'the key does not unwrap it',
    writers: ['python-v1', 'python-v2'],
    objects: [TWO],
    readers: ['go-v2'],
    readings: ['whole'],
    cause:
      'Looks keys up by the text of their description, and takes the first one where none fits; Python writes spaces.',
    source: 'oss/encryption_client.go:57, 324-329',
  },
  {
    verdict: 'refuses',
    reason: 'the key does not unwrap it',
    writers: ['python-v1', 'python-v2', 'java-v1'],
    objects: [TWO_HARD],
    readers: ['go-v2'],
    readings: ['whole'],
    cause:
      'Looks keys up by the text of their description, and takes the first one where none fits; others escape other characters.',
    source: 'oss/encryption_client.go:57, 324-329',
  },
  {
    verdict: 'refuses',
    reason: 'the key does not unwrap it',
    writers: ['oss-cse', 'go-v1', 'go-v2', 'java-v1'],
    objects: [TWO],
    readers: ['python-v2'],
    readings: ['whole'],
    cause:
      'Looks keys up by the text of their description, its own with spaces, and takes the first one where none fits.',
    source: 'alibabacloud_oss_v2/encryption_client.py:184',
  },
  {
    verdict: 'refuses',
    reason: 'the key does not unwrap it',
    writers: ['oss-cse', 'python-v1', 'python-v2', 'go-v1', 'go-v2', 'java-v1'],
    objects: [TWO_HARD],
    readers: ['python-v2'],
    readings: ['whole'],
    cause:
      'Looks keys up by the text of their description, in the order in which it was given, and takes the first one where none fits.',
    source: 'alibabacloud_oss_v2/encryption_client.py:184',
  },
  {
    verdict: 'reads',
    readers: ['go-v2', 'python-v2'],
    readings: ['the key, of another description'],
    cause: 'Tries the first key where no description fits.',
    source: 'oss/encryption_client.go:324-329; alibabacloud_oss_v2/encryption_client.py:184',
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    writers: ['go-v1', 'go-v2'],
    objects: [NON_ASCII],
    readers: ['python-v1'],
    readings: ['whole'],
    cause: 'Reads a header of raw UTF-8 as Latin-1.',
    source: 'oss2/models.py:269-277',
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    writers: NOT_PHP,
    readers: ['python-v1'],
    readings: ['the key, described'],
    cause: 'A key with a description does not read what has none.',
    source: 'oss2/models.py:269-277',
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    writers: NOT_PHP,
    readers: ['go-v1'],
    readings: ['the key, described'],
    cause: 'A key with a description does not read what has none.',
    source: 'oss/crypto/crypto_bucket.go:72-73, 293',
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    writers: NOT_PHP,
    readers: ['java-v1'],
    readings: ['the key, described'],
    cause:
      'A key with a description does not read what has none. Up to Java 15 it takes the key that was added last; from 16 on that code fails on the JDK.',
    source: 'com/aliyun/oss/crypto/SimpleRSAEncryptionMaterials.java:109-114, 171-175',
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    readers: ['java-v2'],
    readings: ['the key, described'],
    cause:
      'A key with a description does not read what has none. Up to Java 15 it takes the key that was added last; from 16 on that code fails on the JDK.',
    source: 'com/aliyun/sdk/service/oss2/encryption/SimpleRSAEncryptionMaterials.java:164-169, 224-228',
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    writers: ['java-v2'],
    objects: [PLAIN_DESCRIPTION, HARD, NON_ASCII, TWO, TWO_HARD],
    readers: ['python-v1', 'go-v1', 'java-v1'],
    readings: ['whole'],
    cause: 'Java V2 writes no description, and a key with a description does not read what has none.',
    source: 'com/aliyun/sdk/service/oss2/encryption/internal/CryptoModuleBase.java:71-75',
  },
  {
    verdict: 'refuses',
    reason: 'the key does not unwrap it',
    writers: ['java-v2'],
    objects: [TWO, TWO_HARD],
    readers: ['oss-cse', 'python-v2', 'go-v2'],
    readings: ['whole'],
    cause:
      'Java V2 writes no description: which of the keys wrapped the object is not known, and the first one did not.',
    source: 'com/aliyun/sdk/service/oss2/encryption/internal/CryptoModuleBase.java:71-75',
  },
  {
    verdict: 'reads',
    writers: ['java-v2'],
    readers: ['oss-cse'],
    readings: ['the key, of another description'],
    cause: 'Java V2 writes no description, and the only key is tried on an object without one.',
    source: 'com/aliyun/sdk/service/oss2/encryption/internal/CryptoModuleBase.java:71-75',
  },
  {
    verdict: 'refuses',
    reason: 'no key of that description',
    objects: [PLAIN_DESCRIPTION, HARD, NON_ASCII, TWO, TWO_HARD],
    readers: ['java-v2'],
    readings: ['whole'],
    cause:
      'Takes every object for one without a description, and a key with a description does not read that. Up to Java 15 it takes the key that was added last; from 16 on that code fails on the JDK.',
    source: 'com/aliyun/sdk/service/oss2/encryption/internal/CryptoUtils.java:24-37',
  },
  {
    verdict: 'refuses',
    reason: 'the signature',
    writers: ['java-v1'],
    objects: [NON_ASCII],
    readings: ['write'],
    cause: 'Its HTTP client sends bytes 0x80 to 0x9f of a header as "?", which the signature does not cover.',
    source: 'org/apache/http/util/ByteArrayBuffer.java, append',
  },
  {
    verdict: 'refuses',
    reason: ['no key of that description', 'the description cannot be read'],
    writers: ['php-v2'],
    objects: [
      '0 bytes',
      '1 byte',
      '15 bytes',
      '16 bytes',
      '17 bytes',
      'RSA-4096',
      '100 KiB + 37 bytes, multipart calls',
    ],
    readers: ['python-v1', 'go-v1', 'java-v1'],
    readings: ['whole', 'another key', 'the key, described'],
    ...EMPTY_LIST,
  },
  {
    verdict: 'refuses',
    reason: ['no key of that description', 'the description cannot be read'],
    writers: ['php-v2'],
    objects: ['1 MiB + 7 bytes', '20 MiB + 3 bytes, multipart calls'],
    readers: ['python-v1', 'go-v1', 'java-v1'],
    readings: [
      'whole',
      'copy',
      'range, aligned',
      'range, not aligned',
      'range, one byte',
      'range from 0 to beyond the end',
      'range across parts, not aligned',
      ...BEYOND,
    ],
    ...EMPTY_LIST,
  },
  {
    verdict: 'refuses',
    reason: ['no key of that description', 'the description cannot be read'],
    writers: ['php-v2'],
    objects: ['1 MiB + 7 bytes'],
    readers: ['python-v1'],
    readings: OPEN,
    ...EMPTY_LIST,
  },
  {
    verdict: 'refuses',
    reason: ['no key of that description', 'the description cannot be read'],
    writers: ['php-v2'],
    objects: ['1 MiB + 7 bytes'],
    readers: ['go-v1'],
    readings: [...OPEN, ...SUFFIXES, LONG_SUFFIX],
    ...EMPTY_LIST,
  },
]

/** @type {readonly Expectation[]} */
const KEY_SERVICES = [
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
      'oss2 encodes base64 twice where all other SDKs encode once. With several keys Go V1 loses the error of KMS, and panics.',
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
    cause: 'Takes materials of one kind alone.',
    source: 'oss2/models.py:126',
  },
  {
    verdict: 'refuses',
    reason: 'the key does not unwrap it',
    objects: [MIXED],
    readers: ['python-v2'],
    readings: ALL_OF_IT,
    cause:
      'Looks keys up by the text of their description, its own with spaces, and takes the first one where none fits.',
    source: 'alibabacloud_oss_v2/encryption_client.py:184',
  },
  {
    verdict: 'absent',
    objects: [MIXED],
    readers: ['java-v1-3.18.4'],
    readings: ALL_OF_IT,
    cause: 'Takes materials of one kind alone.',
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
    cause: 'Gives KMS no encryption context, which is what a passphrase of oss2 becomes.',
    source:
      'oss/crypto/master_alikms_cipher.go:53-85 of Go V1; com/aliyun/oss/crypto/KmsEncryptionMaterials.java; the samples of Python V2 and Go V2',
  },
  {
    verdict: 'absent',
    objects: [...KMS, KMS_OSS2, KMS_PASSPHRASE, KMS_PASSPHRASE_ONCE, MIXED],
    readers: ['java-v1'],
    readings: [...ALL_OF_IT, 'write'],
    cause: 'Version 3.18.5 has lost KmsEncryptionMaterials; 3.18.4 has a row of its own.',
  },
  {
    verdict: 'absent',
    objects: [...KMS, KMS_OSS2, KMS_PASSPHRASE, KMS_PASSPHRASE_ONCE, MIXED],
    readers: ['java-v2'],
    readings: [...ALL_OF_IT, 'write'],
    cause: 'Has materials for RSA alone.',
  },
  {
    verdict: 'refuses',
    reason: ['the key does not unwrap it', 'the wrap algorithm is not its own'],
    writers: ['oss-cse', 'python-v1'],
    objects: LOCAL_RSA,
    readers: ['python-v2', 'go-v1', 'go-v2', 'java-v1', 'java-v1-3.18.4', 'java-v2'],
    readings: ALL_OF_IT,
    cause: 'Knows PKCS#1 v1.5 alone; LocalRsaProvider wraps with OAEP.',
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
    cause: 'Knows the V1 format alone.',
    source: 'oss2/models.py:154 of 2.10.0',
  },
  {
    verdict: 'absent',
    objects: [KMS_DESCRIBED, TWO_KMS, MIXED],
    readers: ['python-v1-2.10'],
    readings: ['whole', 'write'],
    cause: 'The V1 format of that version has no descriptions, and the version no second key.',
  },
  {
    verdict: 'absent',
    readers: ['python-v1-2.10'],
    readings: ['short range, not aligned'],
    cause: 'Has no ranges of encrypted objects.',
    source: 'oss2/api.py:2460 of 2.10.0',
  },
]

/** @type {readonly Expectation[]} */
const PLAIN_OBJECTS = [
  {
    verdict: 'reads',
    readers: ['python-v1', 'python-v2', 'go-v1', 'go-v2', 'java-v1', 'java-v2'],
    readings: ['as if it were encrypted'],
    cause: 'Hands out an object without an envelope as it is; there is no way to have it refused.',
    source:
      'oss2/models.py:265; alibabacloud_oss_v2/encryption_client.py:377; oss/crypto/crypto_bucket.go:271-274; oss/encryption_client.go:186; CryptoModuleBase.java:222-226',
  },
]

/** @type {readonly Expectation[]} */
const TRANSFERS = [
  {
    verdict: 'again',
    writers: ['java-v1'],
    objects: [UPLOADS[1]],
    readings: ['write'],
    cause:
      'Never resumes an encrypted upload: the classes of its checkpoint are not among those that it lets itself read, so it drops the checkpoint and uploads all of it under a new key.',
    source: 'com/aliyun/oss/internal/CheckPointObjectInputStream.java:10-33, OSSUploadOperation.java:359',
  },
  {
    verdict: 'absent',
    writers: ['go-v1'],
    objects: UPLOADS,
    readings: ['write'],
    cause: 'Its CryptoBucket refuses UploadFile.',
    source: 'oss/crypto/crypto_upload.go:10',
  },
  {
    verdict: 'absent',
    readers: ['go-v1'],
    readings: DOWNLOADS,
    cause: 'Its CryptoBucket refuses DownloadFile.',
    source: 'oss/crypto/crypto_download.go:10',
  },
  {
    verdict: 'absent',
    writers: ['java-v2'],
    objects: UPLOADS,
    readings: ['write'],
    cause: 'Has no encryption client that its Uploader could use.',
  },
  {
    verdict: 'absent',
    readers: ['java-v2'],
    readings: DOWNLOADS,
    cause: 'Has no encryption client that its Downloader could use.',
  },
  {
    verdict: 'refuses',
    reason: 'the part size is missing',
    writers: ['python-v2'],
    objects: UPLOADS,
    readings: ['write'],
    cause: 'Its Uploader forgets the part size that its encryption client demands.',
    source: 'alibabacloud_oss_v2/uploader.py:572-577, encryption_client.py:409',
  },
  {
    verdict: 'refuses',
    reason: 'the checksum',
    readers: ['python-v2'],
    readings: DOWNLOADS,
    cause:
      "Its Downloader compares the checksum of the plaintext with the service's, which is of the ciphertext.",
    source: 'alibabacloud_oss_v2/downloader.py:510, 577-587',
  },
]

export const EXPECTATIONS = [
  ...RANGES,
  ...COUNTERS,
  ...DESCRIPTIONS,
  ...KEY_SERVICES,
  ...PLAIN_OBJECTS,
  ...TRANSFERS,
]
