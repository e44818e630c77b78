import { TransportError } from '@oss-cse/crypto-core'
import { about, keyOf, type RequestContext, sentence } from '@oss-cse/crypto-core/internal'

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
])
/** Errors that a retry does not cure: an untrusted certificate, TLS to a server without TLS, a malformed request. */
const HOPELESS = /CERT|SELF_SIGNED|^UNABLE_TO_|^ERR_TLS|^ERR_SSL|^EPROTO$|^ERR_INVALID_|^ERR_UNESCAPED_/

/**
 * The error of a request without a usable response: there was no connection, or it broke.
 *
 * @param connected - whether there was a connection
 */
export function networkFailure(context: RequestContext, error: unknown, connected: boolean): TransportError {
  const code = codeOf(error)
  const { secretUrl = false } = context
  const said = error instanceof Error && !secretUrl ? error.message : ''
  const text = said === '' ? (code ?? 'connection lost') : said
  if (code !== undefined && TIMEOUT_CODES.has(code)) {
    return new TransportError('ERR_CSE_TIMEOUT', `${about(context)} timed out: ${sentence(text)}`, {
      ...(!secretUrl && { cause: error }),
      retryable: true,
      ...keyOf(context),
    })
  }
  return new TransportError(
    'ERR_CSE_NETWORK',
    `${about(context)} failed: the connection ${connected ? 'broke' : 'was not made'}: ${sentence(text)}`,
    {
      ...(!secretUrl && { cause: withoutPacket(error) }),
      connected,
      retryable: !(code !== undefined && HOPELESS.test(code)),
      ...keyOf(context),
    },
  )
}

/** Node's parser keeps the bytes that it could not read. They may be anything. */
function withoutPacket(error: unknown): unknown {
  if (error instanceof Error && 'rawPacket' in error) delete error.rawPacket
  return error
}

/** The error of a request whose connection was idle for too long. */
export function idleFailure(context: RequestContext, idleTimeoutMs: number): TransportError {
  return new TransportError(
    'ERR_CSE_TIMEOUT',
    `${about(context)} timed out: nothing moved on the connection for ${idleTimeoutMs} ms.`,
    { retryable: true, ...keyOf(context) },
  )
}

/** The error of a connection that ended too early. */
export function cutShort(context: RequestContext, what: string): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `${about(context)} failed: ${what}.`, {
    connected: true,
    retryable: true,
    ...keyOf(context),
  })
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
