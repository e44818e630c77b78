/** A KMS key as a caller names it. */
export interface KeyName {
  /** The key id, in lower case; absent for an alias, which may move from key to key. */
  readonly id: string | undefined
  /** The region, where an ARN names it. */
  readonly region: string | undefined
}

const ARN = /^acs:kms:([^:]*):[^:]*:(.+)$/

/** Takes a key id, an alias, or the ARN of either apart: `acs:kms:REGION:ACCOUNT:key/ID`. */
export function parseKeyName(text: string): KeyName {
  const [, region, resource = text] = ARN.exec(text) ?? []
  return {
    id: resource.startsWith('alias/') ? undefined : resource.replace(/^key\//, '').toLowerCase(),
    region: region || undefined,
  }
}
