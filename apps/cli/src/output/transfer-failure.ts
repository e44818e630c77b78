/** The failure of a transfer, with what the user can do next. */
export class TransferFailure extends Error {
  override readonly name: string = 'TransferFailure'
  /** One or two sentences. */
  readonly hint: string

  /** @param cause - what went wrong */
  constructor(cause: unknown, hint: string) {
    super(hint, { cause })
    this.hint = hint
  }
}
