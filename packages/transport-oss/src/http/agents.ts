import type { OutgoingRequest } from './http-exchange.ts'
import { nodeHttp, nodeHttps } from './node-modules.ts'

/** ali-oss keeps an unused connection this long too. The service closes its end later. */
const FREE_SOCKET_MS = 15_000
const SOCKET_BUFFER_BYTES = 256 * 1024

/** Makes the agent that keeps the transport's own connections, for one of the two protocols. */
export function newAgents(secure: boolean): Pick<OutgoingRequest, 'agent' | 'httpsAgent'> {
  // The timeout of Node's own agents closes only unused connections.
  const options = { keepAlive: true, timeout: FREE_SOCKET_MS, highWaterMark: SOCKET_BUFFER_BYTES }
  return secure
    ? { httpsAgent: new (nodeHttps().Agent)(options) }
    : { agent: new (nodeHttp().Agent)(options) }
}
