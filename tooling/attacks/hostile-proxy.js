import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'

/**
 * @typedef {object} Answer - one answer of the server, as the client will see it
 * @property {number} status
 * @property {Record<string, string>} headers - names in lower case
 * @property {Buffer} body
 * @property {number | undefined} cutAfter - the connection breaks after so many bytes of the body
 */

/** A proxy before the emulator whose answers to reads can be altered in any way. */
export class HostileProxy {
  /**
   * What is done to each answer to a GET or HEAD.
   * @type {(answer: Answer, method: string) => Answer}
   */
  alter = (answer) => answer
  #server
  #port

  static async start(targetPort) {
    const proxy = new HostileProxy()
    proxy.#port = targetPort
    proxy.#server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
      proxy.#pass(request, response).catch(() => response.destroy())
    })
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get endpoint() {
    return `http://localhost:${this.#server.address().port}`
  }

  async close() {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #pass(request, response) {
    const { method, url: path, headers } = request
    const upstream = httpRequest({ host: '127.0.0.1', port: this.#port, method, path, headers })
    request.pipe(upstream)
    const [incoming] = await once(upstream, 'response')
    const chunks = []
    for await (const chunk of incoming) chunks.push(chunk)
    const genuine = {
      status: incoming.statusCode,
      headers: { ...incoming.headers },
      body: Buffer.concat(chunks),
    }
    const reads = method === 'GET' || method === 'HEAD'
    const { status, headers: sent, body, cutAfter } = reads ? this.alter(genuine, method) : genuine
    if (method === 'GET') sent['content-length'] = String(body.length)
    for (const name of ['transfer-encoding', 'connection', 'keep-alive']) delete sent[name]
    response.writeHead(status, sent)
    if (method === 'HEAD' || status === 304) return response.end()
    if (cutAfter === undefined) return response.end(body)
    response.write(body.subarray(0, cutAfter), () => response.destroy())
  }
}
