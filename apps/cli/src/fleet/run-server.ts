import type { CliEnvironment } from '../base/cli-environment.ts'
import type { ServerConfig } from '../base/server-config.ts'
import { type ServerFlags, serverConfig } from '../server/server-options.ts'
import type { FleetSettings } from './run-settings.ts'

/**
 * Returns the server of a run, with the credentials of this process. The options of this process take precedence, as for an
 * internal endpoint. Its variables do not: they may mean another server, where a bucket of the same name has other objects.
 *
 * @throws CliError of kind `configuration` when credentials are missing
 */
export function runServer({ server }: FleetSettings, flags: ServerFlags, cli: CliEnvironment): ServerConfig {
  const { endpoint, region, addressing, signature } = flags
  const given = {
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(addressing !== undefined && { addressing }),
    ...(signature !== undefined && { signature }),
  }
  const env = { ...cli.env, OSS_ENDPOINT: undefined, OSS_REGION: undefined }
  return serverConfig({ ...server, ...given }, { ...cli, env })
}
