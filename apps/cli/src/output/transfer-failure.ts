/** The failure of a transfer, with what its user can do next. */
export class TransferFailure extends Error {
  override readonly name: string = 'TransferFailure'
  /** A sentence or two. */
  readonly hint: string

  /**
   * @param cause - what went wrong
   */
  constructor(cause: unknown, hint: string) {
    super(hint, { cause })
    this.hint = hint
  }
}
