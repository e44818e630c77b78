// What expectations name: ids of objects and readings of matrix.js, and writers.

export const PLAIN_DESCRIPTION = 'a description'
export const HARD = 'a description of spaces, slashes, quotes, <>&'
export const NON_ASCII = 'a description that is not ASCII'
export const TWO = 'two keys'
export const TWO_HARD = 'two keys, spaces, slashes, quotes, <>&'
export const KMS_DESCRIBED = 'KMS, a description'
export const TWO_KMS = 'two KMS keys'
export const KMS = ['KMS', KMS_DESCRIBED, TWO_KMS]
export const MIXED = 'KMS, read beside an RSA key'
export const KMS_OSS2 = 'KMS, encoding: oss2'
export const KMS_PASSPHRASE = 'KMS, a passphrase'
export const KMS_PASSPHRASE_ONCE = 'KMS, a passphrase, encoding: blob'
export const LOCAL_RSA = ['LocalRsaProvider', 'LocalRsaProvider, a passphrase']
export const LOCAL_RSA_V1 = 'LocalRsaProvider, format: v1'
export const UPLOADS = ['20 MiB + 3 bytes, file upload', '20 MiB + 3 bytes, file upload, interrupted']
export const ALL_OF_IT = ['whole', 'short range, not aligned']
export const OPEN = ['range, open, from 0', 'range, open, aligned', 'range, open, not aligned']
export const SUFFIXES = ['suffix, aligned', 'suffix, not aligned']
export const LONG_SUFFIX = 'suffix longer than the object'
export const TO_BEYOND = 'range to beyond the end, aligned'
const TO_BEYOND_UNALIGNED = 'range to beyond the end, not aligned'
export const FROM_BEYOND = 'range that begins beyond the end'
export const BEYOND = [TO_BEYOND, TO_BEYOND_UNALIGNED, FROM_BEYOND]
export const AFTER_CARRY = ['range after the carry, aligned', 'range after the carry, not aligned']
export const DOWNLOADS = ['download', 'download, interrupted']
/** All but PHP V2, whose "[]" stops some readers before anything else can. */
export const NOT_PHP = ['oss-cse', 'python-v1', 'python-v2', 'go-v1', 'go-v2', 'java-v1', 'java-v2', 'cpp']
