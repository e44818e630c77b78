import type { ServerResponse } from 'node:http'

/** The `100 Continue` that a request may wait for. */
export class Continuation {
  readonly #response: ServerResponse
  #pending: boolean

  constructor(response: ServerResponse, expected: boolean) {
    this.#response = response
    this.#pending = expected
  }

  get isPending(): boolean {
    return this.#pending
  }

  send(): void {
    if (this.#pending) this.#response.writeContinue()
    this.#pending = false
  }
}
