/** What an error response may contain besides its code and message. */
export interface OssErrorExtras {
  /** The detailed error number (EC), for example `0026-00000001`. */
  readonly ec?: string
  /** Further elements of the XML document, in order. */
  readonly details?: Readonly<Record<string, string>>
  /** Further headers of the response. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An error of the service, with its wording. Operations throw it; one place turns it into a response. */
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
