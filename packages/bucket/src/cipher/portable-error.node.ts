import { CseError, TransportError, type TransportErrorOptions } from '@oss-cse/crypto-core'

/** An error in a form that can be sent to another thread, which keeps only the message of an error's subclass. */
export interface PortableError {
  readonly kind: 'transport' | 'cse' | 'error'
  readonly message: string
  /** Its fields: the code, the status, the request id… */
  readonly fields: Readonly<Record<string, unknown>>
  readonly stack?: string | undefined
  readonly cause?: PortableError | undefined
  /** Names the error that this one is a copy of, in the thread that keeps it. */
  readonly original?: number | undefined
}

/** The names of errors that this thread keeps, and of the copies that it got. */
const originals = new WeakMap<object, number>()
let lastOriginal = 0

/** Names an error, so that its copies name it. Returns `undefined` for a thrown value that is no object. */
export function namedOriginal(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const name = originals.get(error) ?? ++lastOriginal
  originals.set(error, name)
  return name
}

/** The fields of our errors. Other fields, as a subclass has them, may be what cannot be sent. */
const OUR_FIELDS: ReadonlySet<string> = new Set<keyof TransportError>([
  'code',
  'objectKey',
  'byteRange',
  'status',
  'serviceCode',
  'requestId',
  'ec',
  'headers',
  'qosDelayMs',
  'connected',
  'retryable',
  'retriesExhausted',
])
/** The fields of system errors. Other fields of foreign errors may be anything. */
const SYSTEM_FIELDS: ReadonlySet<string> = new Set(['code', 'errno', 'syscall', 'address', 'port', 'reason'])
/** The most causes of an error that are sent: causes can form a circle. */
const MAX_CAUSES = 8

/** Turns an error into a form that can be sent. */
export function portable(error: unknown, causes: number = MAX_CAUSES): PortableError {
  if (!(error instanceof Error)) return { kind: 'error', message: String(error), fields: {} }
  const { message, stack } = error
  const original = originals.get(error)
  const cause = error.cause === undefined || causes === 0 ? undefined : portable(error.cause, causes - 1)
  if (CseError.isInstance(error)) {
    const fields = Object.fromEntries(Object.entries(error).filter(([name]) => OUR_FIELDS.has(name)))
    const kind = TransportError.isInstance(error) ? 'transport' : 'cse'
    return { kind, message, fields, stack, cause, original }
  }
  const fields = Object.entries(error).filter(
    ([name, value]) => SYSTEM_FIELDS.has(name) && (typeof value === 'string' || typeof value === 'number'),
  )
  return { kind: 'error', message, fields: Object.fromEntries(fields), stack, cause, original }
}

/** Restores an error that was sent. */
export function restored(sent: PortableError): Error {
  const error = restoredFields(sent)
  if (sent.stack !== undefined) Object.assign(error, { stack: sent.stack })
  if (sent.original !== undefined) originals.set(error, sent.original)
  return error
}

function restoredFields({ kind, message, fields, cause: sentCause }: PortableError): Error {
  const cause = sentCause && restored(sentCause)
  if (kind === 'error') {
    return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), fields)
  }
  const { code, ...options } = { ...fields, cause } as unknown as TransportErrorOptions &
    Pick<CseError, 'code'>
  return kind === 'transport'
    ? new TransportError(code, message, options)
    : new CseError(code, message, options)
}
