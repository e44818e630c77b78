/** What an error answer may carry beside its code and message. */
export interface OssErrorExtras {
  /** The detailed error number, such as `0026-00000001`. */
  readonly ec?: string
  /** Further elements of the XML, in order. */
  readonly details?: Readonly<Record<string, string>>
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A refusal as the service words it. Thrown anywhere in an operation, answered in one place. */
export class OssError extends Error {
  override readonly name: string = 'OssError'
  readonly status: number
  readonly code: string
  readonly ec: string | undefined
  readonly details: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, extras: OssErrorExtras = {}) {
    super(message)
    this.status = status
    this.code = code
    this.ec = extras.ec
    this.details = extras.details ?? {}
    this.headers = extras.headers ?? {}
  }
}
