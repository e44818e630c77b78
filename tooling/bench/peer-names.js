/** This repository. */
export const OURS = 'oss-cse'
/** This repository as it is in another directory. */
export const BASELINE = 'baseline'
/** ali-oss, which encrypts nothing. */
export const PLAIN = 'ali-oss'
/** This repository's `CryptoOSS`, which has the calls of ali-oss. */
export const DROP_IN = 'drop-in'
/** This repository, with unwrapped keys kept. */
export const CACHED = 'oss-cse, cached'

/** The SDKs that are measured, and what runs them. */
export const LANGUAGES = {
  [OURS]: 'node',
  'python-v1': 'python',
  'python-v2': 'python',
  'go-v1': 'go',
  'go-v2': 'go',
  'java-v1': 'java',
  [DROP_IN]: 'node',
  [PLAIN]: 'node',
}
