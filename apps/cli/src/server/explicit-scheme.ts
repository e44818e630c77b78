import { isIP } from 'node:net'
import { configurationError } from '../base/cli-error.ts'

/**
 * Refuses the address of a server on this machine, or by number, that does not say whether it speaks TLS. Without a scheme
 * an endpoint means HTTPS, which such servers hardly ever speak.
 *
 * @param name - what the user calls the endpoint
 * @throws CliError of kind `configuration`
 */
export function requireScheme(endpoint: string | undefined, name: string): void {
  if (endpoint === undefined || endpoint.includes('://')) return
  const address = `https://${endpoint}`
  const host = URL.canParse(address) ? new URL(address).hostname : ''
  if (host !== 'localhost' && isIP(host) === 0 && !host.startsWith('[')) return
  throw configurationError(
    `${name} is ${endpoint}: begin it with http:// or https://, whichever the server speaks, such as http://${endpoint}.`,
  )
}
