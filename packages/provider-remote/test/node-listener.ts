import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

/** Lets `node:http`, or Express, serve a function from a `Request` to a `Response`. */
export function nodeListener(respond: (request: Request) => Promise<Response>) {
  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    // When the caller is gone, the key server ends its own requests.
    const gone = new AbortController()
    outgoing.once('close', () => gone.abort())
    try {
      const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD'
      const init = {
        method: incoming.method ?? 'GET',
        headers: Object.entries(incoming.headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]),
        body: hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null,
        duplex: 'half',
        signal: gone.signal,
      } satisfies RequestInit & { duplex: 'half' }
      const response = await respond(new Request(new URL(incoming.url ?? '/', 'https://keys.invalid'), init))
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      outgoing.end(await response.text())
    } catch {
      outgoing.destroy()
    }
  }
}
