import { Readable } from 'node:stream'

/** Lets `node:http` serve a function from a `Request` to a `Response`. */
export function nodeListener(respond) {
  return async (incoming, outgoing) => {
    const gone = new AbortController()
    outgoing.once('close', () => gone.abort())
    try {
      const { method, url, headers } = incoming
      const hasBody = method !== 'GET' && method !== 'HEAD'
      const request = new Request(new URL(url, 'http://localhost'), {
        method,
        headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
        ...(hasBody && { body: Readable.toWeb(incoming), duplex: 'half' }),
        signal: gone.signal,
      })
      const response = await respond(request)
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      outgoing.end(Buffer.from(await response.arrayBuffer()))
    } catch (error) {
      if (!gone.signal.aborted) console.error(error)
      outgoing.destroy()
    }
  }
}
