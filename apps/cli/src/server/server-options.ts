import { type Command, Option } from 'commander'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'
import type { ServerConfig } from '../base/server-config.ts'
import { CREDENTIALS_HELP, configuredCredentials } from './credentials.ts'
import { requireScheme } from './explicit-scheme.ts'

/** The options for the server. */
export interface ServerFlags {
  readonly endpoint?: string
  readonly region?: string
  readonly addressing?: 'virtual' | 'path' | 'cname'
  readonly signature?: 'v4' | 'v1'
}

/** The default region of a server on this machine. */
export const LOCAL_REGION = 'cn-hangzhou'
const LOCAL_HOST = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/

/** Adds the options of every command that talks to the service. */
export function addServerOptions(command: Command): Command {
  return command
    .optionsGroup('Server:')
    .option('--endpoint <url>', "URL of OSS (env: OSS_ENDPOINT, default: the region's public endpoint)")
    .option(
      '--region <region>',
      'region of OSS, such as cn-hangzhou; not needed for a local endpoint (env: OSS_REGION)',
    )
    .addOption(
      new Option(
        '--addressing <style>',
        'place of the bucket in the URL (default: path for localhost and IP addresses, otherwise virtual)',
      ).choices(['virtual', 'path', 'cname']),
    )
    .addOption(
      new Option('--signature <version>', 'version of the request signature (default: v4)').choices([
        'v4',
        'v1',
      ]),
    )
    .addHelpText('after', CREDENTIALS_HELP)
}

/**
 * Collects the server's settings from options and environment variables.
 *
 * @throws CliError of kind `configuration` that names everything that is missing, or an endpoint without a scheme
 */
export function serverConfig(flags: ServerFlags, cli: CliEnvironment): ServerConfig {
  const endpoint = flags.endpoint || variable(cli, 'OSS_ENDPOINT')
  requireScheme(endpoint, 'The endpoint (--endpoint or OSS_ENDPOINT)')
  const region = ossRegion(flags, cli) ?? (isLocal(endpoint) ? LOCAL_REGION : undefined)
  const configured = configuredCredentials(cli)
  if (region === undefined || 'missing' in configured) {
    const missing = [
      ...(region === undefined ? ['the region (--region or OSS_REGION)'] : []),
      ...('missing' in configured ? configured.missing : []),
    ]
    throw configurationError(`Missing: ${missing.join(', ')}.`)
  }
  const { addressing, signature } = flags
  return {
    region,
    ...configured.credentials,
    ...(endpoint !== undefined && { endpoint }),
    ...(addressing !== undefined && { addressing }),
    ...(signature !== undefined && { signature }),
  }
}

/** The region in the option or the variable, unchanged. */
export function ossRegion({ region }: ServerFlags, cli: CliEnvironment): string | undefined {
  return region || variable(cli, 'OSS_REGION')
}

/** Whether an endpoint is on this machine. It then needs no region. */
export function isLocal(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return false
  const text = endpoint.includes('://') ? endpoint : `https://${endpoint}`
  return URL.canParse(text) && LOCAL_HOST.test(new URL(text).hostname)
}
