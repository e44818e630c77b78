/** A request that concerns one object. */
export interface ObjectRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly key: string
  /** A parameter without a value has the value ''. */
  readonly subresources?: Readonly<Record<string, string>> | undefined
  /** Checked, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** True for a body of 0 bytes. */
  readonly empty?: boolean | undefined
  /** An XML document to send. */
  readonly document?: string | undefined
  /** True when the body of the response is returned as a stream. */
  readonly streamed?: boolean | undefined
  /** The statuses of success. */
  readonly statuses: readonly number[]
}
