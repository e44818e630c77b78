/** A KMS key as a caller names it. */
export interface KeyName {
  /** The key id, in lower case; absent for an alias, which may point to another key later. */
  readonly id: string | undefined
  /** The region, if an ARN names it. */
  readonly region: string | undefined
}

const ARN = /^acs:kms:([^:]*):[^:]*:(.+)$/

/** Parses a key id, an alias, or the ARN of either: `acs:kms:REGION:ACCOUNT:key/ID`. */
export function parseKeyName(text: string): KeyName {
  const [, region, resource = text] = ARN.exec(text) ?? []
  return {
    id: resource.startsWith('alias/') ? undefined : resource.replace(/^key\//, '').toLowerCase(),
    region: region || undefined,
  }
}
