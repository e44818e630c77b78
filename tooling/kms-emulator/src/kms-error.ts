/** A refusal with the code and message of the service. Any part of an operation throws it, and one place handles it. */
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
