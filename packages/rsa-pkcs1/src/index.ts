export { encryptPkcs1 } from './encrypt-pkcs1.ts'
export { parseRsaPublicKey, type RsaPublicKey } from './rsa-public-key.ts'
