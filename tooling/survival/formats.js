/**
 * The formats of content that a bucket writes.
 *
 * @type {readonly import('@oss-cse/crypto-core').ContentFormat[]}
 */
export const FORMATS = ['aes-ctr', 'sealed']
