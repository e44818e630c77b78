/** Asks for the stored bytes: checksum, ranges and cipher all refer to them. */
export const STORED_BYTES = { 'accept-encoding': 'identity' } as const
