export type { AuthorizedRequest, RequestToAuthorize } from './signing/authorizer.ts'
export { signRequest } from './signing/sign-request.ts'
export type { SignableOperation, SigningPolicy } from './signing/signing-policy.ts'
