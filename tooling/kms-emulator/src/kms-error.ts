/** A refusal with the message of the service. Operations throw it, and the server sends it. */
export class KmsError extends Error {
  override readonly name: string = 'KmsError'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}
