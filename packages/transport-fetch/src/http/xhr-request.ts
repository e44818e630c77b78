import type { HeaderMap } from '@oss-cse/crypto-core'
import type { RequestContext } from '@oss-cse/crypto-core/internal'
import type { IncomingResponse, OutgoingRequest } from './fetch-request.ts'
import { noResponse, redirected } from './network-errors.ts'

/** Whether this runtime can tell how much of a request has left: pages and dedicated workers can. */
export function hasXhr(): boolean {
  return typeof XMLHttpRequest === 'function'
}

/**
 * Sends a request with `XMLHttpRequest`, which reports the progress of an upload. `fetch` does not.
 *
 * @param onSentBytes - called with the number of bytes that have left so far
 * @throws as `fetchRequest`
 */
export function xhrRequest(
  { method, url, headers, content, signal }: OutgoingRequest,
  context: RequestContext,
  onSentBytes: (sentBytes: number) => void,
): Promise<IncomingResponse> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const xhr = new XMLHttpRequest()
    const abort = (): void => xhr.abort()
    xhr.open(method, url)
    xhr.responseType = 'blob'
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value)
    xhr.upload.onprogress = ({ loaded }) => onSentBytes(loaded)
    xhr.onload = () => {
      // It has followed a redirect, which fetch would not.
      if (xhr.responseURL !== new URL(url).href) return reject(redirected(context))
      resolve({
        status: xhr.status,
        headers: headersOf(xhr.getAllResponseHeaders()),
        type: new URL(url).origin === globalThis.location.origin ? 'basic' : 'cors',
        stream: (xhr.response as Blob).stream(),
      })
    }
    xhr.onerror = () => reject(noResponse(context))
    xhr.onabort = () => reject(signal?.reason)
    xhr.onloadend = () => signal?.removeEventListener('abort', abort)
    signal?.addEventListener('abort', abort)
    xhr.send(content ?? null)
  })
}

function headersOf(lines: string): HeaderMap {
  const fields = lines.split('\r\n').filter(Boolean)
  return Object.fromEntries(
    fields.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}
