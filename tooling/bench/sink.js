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
   * Has answers say what is not so, or, without an argument, the truth again: no CRC-64 of uploads, and the true one
   * of downloads.
   *
   * @param {{ crc64?: string, replaced?: boolean, cut?: boolean }} [pretence] - `crc64`: every answer names this one.
   *   `replaced`: from the second object sent on, objects have another ETag than before. `cut`: the connection ends in
   *   the middle of the first object
   */
  async pretend(pretence = {}) {
    await this.#ask({ control: 'pretend', ...pretence })
  }

  /**
   * Has uploads of any size kept in memory, to be checked: not while a clock runs.
   *
   * @param {boolean} on
   */
  async keep(on) {
    await this.#ask({ control: 'keep', on })
  }

  /**
   * Compares an upload that was kept with the file that it is of, and forgets it.
   *
   * @param {{ key: string, sourcePath: string, privateKey?: string }} upload - `privateKey` of the one who encrypted
   * @returns {Promise<string | undefined>} what is wrong, if anything
   */
  async check(upload) {
    return (await this.#ask({ control: 'check', ...upload })).wrong
  }

  /**
   * The SHA-256 of a registered object; with a private key, of what it decrypts to.
   *
   * @param {{ key: string, privateKey?: string }} object
   * @returns {Promise<string>} in hexadecimal digits
   */
  async digest(object) {
    return (await this.#ask({ control: 'digest', ...object })).sha256
  }

  /**
   * @returns {Promise<{
   *   requests: number, objectsSent: number, bytesReceived: number, bytesSent: number, cpuSeconds: number
   * }>} since it started
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
