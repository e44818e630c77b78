import { isIP } from 'node:net'
import { configurationError } from '../base/cli-error.ts'

/**
 * Refuses an endpoint without a scheme if it is localhost or an IP address. Without a scheme, an endpoint means HTTPS,
 * which such servers rarely speak.
 *
 * @param name - the user's name for the endpoint
 * @throws CliError of kind `configuration`
 */
export function requireScheme(endpoint: string | undefined, name: string): void {
  if (endpoint === undefined || endpoint.includes('://')) return
  const address = `https://${endpoint}`
  const host = URL.canParse(address) ? new URL(address).hostname : ''
  if (host !== 'localhost' && isIP(host) === 0 && !host.startsWith('[')) return
  throw configurationError(
    `${name} is ${endpoint}, without a scheme. Begin it with http:// or https://, such as http://${endpoint}.`,
  )
}
