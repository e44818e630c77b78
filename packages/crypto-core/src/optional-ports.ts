import type { ObjectSettings, VersionCatalog } from './ports.ts'

/** Tells whether a transport can list versions. */
export function hasVersionCatalog<Transport extends object>(
  transport: Transport,
): transport is Transport & VersionCatalog {
  const { listVersions, getVersioning } = transport as Partial<VersionCatalog>
  return typeof listVersions === 'function' && typeof getVersioning === 'function'
}

/** Tells whether a transport can read the ACL and the tags of objects. */
export function hasObjectSettings<Transport extends object>(
  transport: Transport,
): transport is Transport & ObjectSettings {
  const { getObjectAcl, getObjectTags } = transport as Partial<ObjectSettings>
  return typeof getObjectAcl === 'function' && typeof getObjectTags === 'function'
}
