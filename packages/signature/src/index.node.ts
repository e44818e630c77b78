export type { AccessKey, RequestToSign, RequestToSignV4, SignatureScope } from './request-to-sign.ts'
export { signV1, signV4 } from './sign.node.ts'
