import { SEALED_REFUSALS } from './sealed-verdicts.js'

/**
 * Why an SDK refuses, told from what it says. A refusal whose words are not here is not one: something else went
 * wrong.
 */
const WORDS = {
  'no key of that description': [
    /^ERR_CSE_NO_MATCHING_KEY/,
    /There is no encryption materials match the material description/,
    /MasterCipherManager is nil/,
    /no master key for map/,
    /LinkedHashMap\.tail accessible/,
  ],
  'the key does not unwrap it': [
    /^ERR_CSE_UNWRAP_FAILED/,
    /Decrypted data error, please check/,
    /Ciphertext (too large|with incorrect length)/,
    /crypto\/rsa: decryption error/,
    /^BadPaddingException/,
    /^ValueError: (Decryption failed|not under this key)/,
    /unable to decrypt block|input too large for RSA cipher|block incorrect|data too large|decrypted key is too short/i,
  ],
  'the description cannot be read': [/Unable to parse Json string/],
  'the content algorithm': SEALED_REFUSALS.map(({ error }) => new RegExp(error)),
  'not sealed': [/^ERR_CSE_NOT_SEALED/, /^NotSealed: AES/, /not a sealed object: AES/],
  'not authentic': [
    /^ERR_CSE_AUTHENTICATION_FAILED/,
    /^NotAuthentic/,
    // Tink's words, in Python, Go and Java.
    /^TinkError: (No matching key found for the ciphertext|INVALID_ARGUMENT: ciphertext too short|INTERNAL: Authentication)/,
    /^\*errors\.errorString: (cipher: message authentication failed|invalid header length|segment too short|EOF)$/,
    /^IOException: (Ciphertext is too short|Input data too short|Invalid header length|Tag mismatch|Failed to decrypt|java\.security\.GeneralSecurityException: Invalid ciphertext)/,
    /^AEADBadTagException: Tag mismatch/,
  ],
  'the wrap algorithm is not its own': [
    /Unrecognize your object key wrap algorithm/,
    /algorithm is inconsistent/,
  ],
  'KMS does not know the blob': [/CiphertextBlob/, /Please check your kms region/],
  'the range': [
    /^ERR_CSE_RANGE_NOT_SATISFIABLE/,
    /Don't support range get while start is none/,
    /get-range is illegal/,
    /takes 129 bits but it is longer than the counter/,
  ],
  'the V2 format': [/all metadata keys are required for decryption \(x-oss-meta-oss-crypto-key/],
  'the checksum': [/crc is inconsistent/],
  'the part size is missing': [/null field, request\.cse_part_size/],
  'the signature': [/The request signature we calculated does not match/],
  'it panics': [/^panic: /],
  'not encrypted': [/^ERR_CSE_NOT_ENCRYPTED/],
}

/** @typedef {keyof typeof WORDS} Reason */

/**
 * @param {string} said - an error's type and message
 * @returns {Reason | undefined}
 */
export function reasonOf(said) {
  return Object.keys(WORDS).find((reason) => WORDS[reason].some((words) => words.test(said)))
}
