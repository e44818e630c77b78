import { Child } from './child.js'

export const SINK_DESCRIPTION =
  'a plain node:http server in a process of its own, on 127.0.0.1: drains uploads, sends one block of memory repeated, checks nothing'

/** The benchmark's hold on the server that it transfers to and from. */
export class Sink {
  #child

  constructor(child, port) {
    this.#child = child
    this.endpoint = `http://127.0.0.1:${port}`
  }

  static async start() {
    const child = new Child(new URL('./sink-server.js', import.meta.url))
    const { port } = await child.receive()
    return new Sink(child, port)
  }

  /**
   * Makes an object to read. Its bytes are the server's own.
   *
   * @param {{ key: string, sizeBytes: number, headers: Record<string, string> }} object
   */
  async register(object) {
    await this.#ask({ control: 'register', ...object })
  }

  /**
   * Has every answer name this CRC-64, whatever it should be; or, without one, none of uploads and the true one of
   * downloads.
   *
   * @param {string} [crc64]
   */
  async lie(crc64) {
    await this.#ask({ control: 'lie', crc64 })
  }

  /**
   * @returns {Promise<{ requests: number, bytesReceived: number, bytesSent: number, cpuSeconds: number }>} since it started
   */
  usage() {
    return this.#ask({ control: 'usage' })
  }

  stop() {
    return this.#child.end()
  }

  /** One question at a time: answers carry no number. */
  #ask(message) {
    this.#child.send(message)
    return this.#child.receive()
  }
}
