import type { ObjectTransport } from '@oss-cse/crypto-core'
import type { InventorySource } from '@oss-cse/fleet'
import type { CliEnvironment, CliTransport } from '../base/cli-environment.ts'
import type { ServerConfig } from '../base/server-config.ts'
import { parseObjectUrl } from '../server/oss-url.ts'
import type { FleetSettings } from './run-settings.ts'

/** How the inventory of a run is reached. */
export interface InventoryAccess {
  readonly server: () => ServerConfig
  /** Limits the requests to its bucket. */
  readonly limited?: ((transport: CliTransport) => Pick<CliTransport, 'get'>) | undefined
}

/** Opens the inventory by which a run is planned. Returns `undefined` for a run that is planned by listing. */
export async function runInventory(
  { inventory, bucket }: Pick<FleetSettings, 'inventory' | 'bucket'>,
  { server, limited = (transport) => transport }: InventoryAccess,
  cli: CliEnvironment,
): Promise<InventorySource | undefined> {
  if (inventory === undefined) return undefined
  const { bucket: destination, key: manifestKey } = parseObjectUrl(inventory)
  const transport = limited(await cli.openTransport(server(), destination))
  return { transport: transport as Pick<ObjectTransport, 'get'>, manifestKey, sourceBucket: bucket }
}
