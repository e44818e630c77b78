/** A page asks its worker to take control of it. */
export const CLAIM_MESSAGE = 'oss-cse:claim'
