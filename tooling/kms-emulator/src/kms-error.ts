/** A refusal as the service words it. Thrown anywhere in an operation, answered in one place. */
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
