import { type Command, Option } from 'commander'
import { type CliEnvironment, variable } from './cli-environment.ts'
import { configurationError } from './cli-error.ts'
import type { ServerConfig } from './server-config.ts'

/** The server's options as the command line gives them. */
export interface ServerFlags {
  readonly endpoint?: string
  readonly region?: string
  readonly addressing?: 'virtual' | 'path' | 'cname'
  readonly signature?: 'v4' | 'v1'
}

const LOCAL_REGION = 'cn-hangzhou'
const LOCAL_HOST = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/

/** Adds the options of every command that talks to the service. */
export function addServerOptions(command: Command): Command {
  return command
    .optionsGroup('Server:')
    .option(
      '--endpoint <url>',
      "where the service is; or OSS_ENDPOINT (default: the region's public endpoint)",
    )
    .option('--region <region>', 'such as cn-hangzhou; or OSS_REGION (not needed for a local endpoint)')
    .addOption(
      new Option(
        '--addressing <style>',
        'where the bucket stands in the address (default: path for localhost and IP addresses, else virtual)',
      ).choices(['virtual', 'path', 'cname']),
    )
    .addOption(new Option('--signature <version>', 'default: v4').choices(['v4', 'v1']))
    .addHelpText(
      'after',
      '\nCredentials come from OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, for temporary ones, OSS_SESSION_TOKEN.',
    )
}

/**
 * Puts the server's settings together from options and environment variables.
 *
 * @throws CliError of kind `configuration` that names everything that is missing
 */
export function serverConfig(flags: ServerFlags, cli: CliEnvironment): ServerConfig {
  const endpoint = flags.endpoint || variable(cli, 'OSS_ENDPOINT')
  const region = flags.region || variable(cli, 'OSS_REGION') || (isLocal(endpoint) ? LOCAL_REGION : undefined)
  const accessKeyId = variable(cli, 'OSS_ACCESS_KEY_ID')
  const accessKeySecret = variable(cli, 'OSS_ACCESS_KEY_SECRET')
  const securityToken = variable(cli, 'OSS_SESSION_TOKEN')
  if (region === undefined || accessKeyId === undefined || accessKeySecret === undefined) {
    const missing = [
      region === undefined && 'the region (--region or OSS_REGION)',
      accessKeyId === undefined && 'the access key id (OSS_ACCESS_KEY_ID)',
      accessKeySecret === undefined && 'the access key secret (OSS_ACCESS_KEY_SECRET)',
    ]
    throw configurationError(`Missing: ${missing.filter(Boolean).join(', ')}.`)
  }
  const { addressing, signature } = flags
  return {
    region,
    accessKeyId,
    accessKeySecret,
    ...(endpoint !== undefined && { endpoint }),
    ...(securityToken !== undefined && { securityToken }),
    ...(addressing !== undefined && { addressing }),
    ...(signature !== undefined && { signature }),
  }
}

function isLocal(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return false
  const text = endpoint.includes('://') ? endpoint : `https://${endpoint}`
  return URL.canParse(text) && LOCAL_HOST.test(new URL(text).hostname)
}
