/** The name of a KMS key, as the caller passes it. */
export interface KeyName {
  /** The key id in lower case. Absent for an alias, which may move from key to key. */
  readonly id: string | undefined
  /** The region, if the name is an ARN. */
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
