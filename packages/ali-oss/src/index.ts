export { CryptoOSS } from './crypto-oss.ts'
export type { CryptoOSSOptions } from './crypto-oss-options.ts'
